"""Calls the broker on stubs generated from its .proto files, and prints what it saw as one JSON document.

usage: python_client.py ADDRESS
"""

import json
import sys
import time

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from secretbroker.v1 import secret_broker_pb2 as messages
from secretbroker.v1 import secret_broker_pb2_grpc as services


def failure(error):
    """A failed call's code, and the reason and domain of its ErrorInfo."""
    seen = {"code": error.code().name}
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            seen.update(reason=info.reason, domain=info.domain)
    return seen


def fails(call):
    """What a call that must fail failed with."""
    try:
        call()
    except grpc.RpcError as error:
        return failure(error)
    return {"code": "OK"}


def main(address):
    """Tries every kind of call once."""
    with grpc.insecure_channel(address) as channel:
        broker = services.SecretBrokerStub(channel)
        seen = {"read": broker.ReadSecret(messages.ReadSecretRequest(name="OPENAI_API_KEY"), timeout=10).secret.text}
        payload = bytes(range(256))
        broker.WriteSecret(messages.WriteSecretRequest(name="BYTES", binary=payload), timeout=10)
        seen["bytes"] = broker.ReadSecret(messages.ReadSecretRequest(name="BYTES"), timeout=10).secret.binary == payload
        seen["absent"] = fails(lambda: broker.ReadSecret(messages.ReadSecretRequest(name="ABSENT"), timeout=10))
        seen["unsafe"] = fails(lambda: broker.ReadSecret(messages.ReadSecretRequest(name="../x"), timeout=10))
        started = time.monotonic()
        seen["deadline"] = fails(lambda: broker.ReadSecret(messages.ReadSecretRequest(name="SLOW"), timeout=0.5))
        seen["deadlineKept"] = time.monotonic() - started < 10
        future = broker.ReadSecret.future(messages.ReadSecretRequest(name="SLOW"), timeout=10)
        future.cancel()
        seen["cancelled"] = future.cancelled()
        seen["after"] = broker.ReadSecret(messages.ReadSecretRequest(name="OPENAI_API_KEY"), timeout=10).secret.text
    print(json.dumps(seen))


main(sys.argv[1])
