"""An app in Python: says what it reads from the sidecar, line by line, until it is stopped."""

import sys
import time

from secret_broker import Client, SecretBrokerError

address = sys.argv[1] if len(sys.argv) > 1 else "unix:examples/sidecar/.secret-broker/sidecar.sock"

with Client(address) as client:
    while True:
        try:
            answer = client.read("GREETING", timeout=2)
            print(answer.text, "stale" if answer.served_from == "stale" else "fresh", flush=True)
        except SecretBrokerError as error:
            print("refused", error.reason, flush=True)
        time.sleep(0.1)
