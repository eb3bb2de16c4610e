"""The command: `python3 -m secret_broker.host --module FILE --class NAME --listen unix:PATH`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from .protocol import FAILURE_EXIT_CODE, HostFailure, HostOutput, take_stdin


def main() -> int:
    """From arguments to an exit code."""
    options = _parse_arguments()
    output = HostOutput()
    stdin = take_stdin()
    try:
        _require_packages()
        from .serve import serve

        asyncio.run(serve(options.module, options.class_name, options.listen, stdin, output))
    except HostFailure as failure:
        output.failed(failure)
        return _end(FAILURE_EXIT_CODE)
    return _end(0)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="secret_broker.host", description="serve a secret manager to the broker")
    parser.add_argument("--module", required=True, metavar="FILE", help="the file with the class")
    parser.add_argument("--class", required=True, dest="class_name", metavar="NAME", help="the class's name")
    parser.add_argument("--listen", required=True, metavar="unix:PATH", help="the socket to serve on")
    options = parser.parse_args()
    if not options.listen.startswith("unix:"):
        parser.error("--listen must be unix:PATH")
    return options


def _require_packages() -> None:
    try:
        import google.protobuf
        import grpc
    except ImportError as error:
        missing = "protobuf" if "grpc" in sys.modules else "grpcio"
        print(f"{sys.executable} cannot import {missing}: {error}", file=sys.stderr)
        raise HostFailure("GRPCIO_MISSING", f"{missing} is not installed for this Python") from None
    del google, grpc


def _end(code: int) -> int:
    """Leaves at once: threads of the class's that still run would keep the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
