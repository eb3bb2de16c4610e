"""Serves a loaded manager until standard input ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import grpc

from .load_manager import load_manager
from .manager import HostedManager
from .protocol import HostOutput
from .service import ManagerService

# The broker's largest payload, and room for what goes with it.
MAX_MESSAGE_BYTES = 65 * 1024 * 1024

GRACE_SECONDS = 5.0


async def serve(file: str, class_name: str, listen: str, stdin: int, output: HostOutput) -> None:
    """Makes the manager on the loop it will run on, serves it, and says so. Raises HostFailure."""
    stopping = asyncio.Event()
    _stop_when_stdin_ends(stdin, asyncio.get_running_loop(), stopping)
    manager = HostedManager(load_manager(file, class_name))
    limits = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.max_send_message_length", -1)]
    server = grpc.aio.server(options=[*limits, ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([ManagerService(manager).generic_handler()])
    rights = os.umask(0o077)
    server.add_insecure_port(listen)
    os.umask(rights)
    await server.start()
    output.ready(listen)
    await stopping.wait()
    await server.stop(GRACE_SECONDS)
    manager.close()


def _stop_when_stdin_ends(stdin: int, loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    def stop() -> None:
        loop.call_soon_threadsafe(stopping.set)
        # A class that holds the loop or a thread does not keep the process.
        timer = threading.Timer(GRACE_SECONDS + 1, _exit)
        timer.daemon = True
        timer.start()

    def wait() -> None:
        while os.read(stdin, 4096):
            pass
        stop()

    threading.Thread(target=wait, name="stdin", daemon=True).start()
    # A terminal's Ctrl-C reaches the whole group: the broker then stops in order, and closes standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop())


def _exit() -> None:
    sys.stderr.flush()
    os._exit(0)
