"""What a Python manager costs: a read through the host against a bare call to a Python server, in the same run.

usage: PYTHONPATH=src python3 bench/host_overhead.py [ROUNDS]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import grpc

from secret_broker._generated.secretbroker.manager.v1 import secret_manager_pb2 as wire

HERE = Path(__file__).parent
CALLS_PER_ROUND = 300
READ = "/secretbroker.manager.v1.SecretManager/ReadSecret"

BARE = """
import asyncio, sys, grpc
async def main():
    async def same(request, context):
        return request
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(same)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("bare.Bare", {"Same": handler})])
    server.add_insecure_port(sys.argv[1])
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()
asyncio.run(main())
"""


def measure(call: object, request: object) -> list[float]:
    times = []
    for _ in range(CALLS_PER_ROUND):
        started = time.perf_counter()
        call(request, timeout=10)  # type: ignore[operator]
        times.append(time.perf_counter() - started)
    return times


def main(rounds: int) -> None:
    """Prints one line of JSON: medians in microseconds, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        bare_at, host_at = f"unix:{folder}/bare.sock", f"unix:{folder}/host.sock"
        manager = str(HERE.parent / "tests/managers/own_secret_manager.py")
        host = ["-m", "secret_broker.host", "--module", manager, "--class", "OwnSecretManager", "--listen", host_at]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        servers = [subprocess.Popen([sys.executable, *each], **pipes) for each in (["-c", BARE, bare_at], host)]
        try:
            for server in servers:
                server.stdout.readline()  # type: ignore[union-attr]
            with grpc.insecure_channel(bare_at) as bare_channel, grpc.insecure_channel(host_at) as host_channel:
                bare = bare_channel.unary_unary("/bare.Bare/Same")
                read = host_channel.unary_unary(
                    READ, wire.ReadSecretRequest.SerializeToString, wire.ReadSecretResponse.FromString
                )
                ask = wire.ReadSecretRequest(name="OPENAI_API_KEY", call=wire.CallContext(request_id="r" * 36))
                payload = ask.SerializeToString()
                measure(bare, payload), measure(read, ask)
                times: tuple[list[float], list[float]] = ([], [])
                for _ in range(rounds):
                    times[0].extend(measure(bare, payload))
                    times[1].extend(measure(read, ask))
        finally:
            for server in servers:
                server.kill()
                server.wait()
    bare_p50, read_p50 = (statistics.median(each) * 1e6 for each in times)
    print(json.dumps({"bare_p50_us": round(bare_p50), "read_p50_us": round(read_p50), "ratio": round(read_p50 / bare_p50, 2)}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
