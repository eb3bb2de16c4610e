"""Starts the host in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import grpc

from secret_broker._generated.secretbroker.manager.v1 import secret_manager_pb2 as wire

MANAGERS = Path(__file__).parent / "managers"
SERVICE = "secretbroker.manager.v1.SecretManager"


class Host:
    """A running host, or one that failed to start: `said` is its one line."""

    def __init__(self, file: Path | str, class_name: str) -> None:
        self._stopped = False
        self._folder = tempfile.mkdtemp(prefix="sb-host-")
        self.socket = f"{self._folder}/manager.sock"
        self._log = open(f"{self._folder}/log", "w+b")
        arguments = ["--module", str(MANAGERS / file), "--class", class_name, "--listen", f"unix:{self.socket}"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "secret_broker.host", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        assert self._process.stdin and self._process.stdout
        self.said: dict[str, Any] = json.loads(self._process.stdout.readline())["secret_broker_host"]
        self.channel = grpc.insecure_channel(f"unix:{self.socket}")

    def call(self, method: str, timeout: float = 20, **fields: Any) -> Any:
        """Calls an RPC and waits for its answer."""
        return self.start(method, timeout, **fields).result()

    def start(self, method: str, timeout: float = 20, **fields: Any) -> Any:
        """Calls an RPC; the answer is a future."""
        request = getattr(wire, f"{method}Request")(**fields)
        rpc = self.channel.unary_unary(
            f"/{SERVICE}/{method}", type(request).SerializeToString, getattr(wire, f"{method}Response").FromString
        )
        return rpc.future(request, timeout=timeout, wait_for_ready=True)

    def log(self) -> str:
        """What the host has written to standard error."""
        return Path(f"{self._folder}/log").read_text("utf8")

    def stop(self) -> tuple[int, str]:
        """Closes standard input, waits, and gives the exit code and what else was in standard output."""
        self._stopped = True
        assert self._process.stdin and self._process.stdout
        self.channel.close()
        self._process.stdin.close()
        rest = self._process.stdout.read().decode()
        code = self._process.wait(30)
        self._process.stdout.close()
        self._log.close()
        shutil.rmtree(self._folder)
        return code, rest

    def close(self) -> None:
        """Stops it, unless that was done."""
        if not self._stopped:
            self.stop()

    def wait(self) -> None:
        """Waits until it has ended by itself."""
        self._process.wait(30)

    def mode(self) -> int:
        """The socket's access rights."""
        return os.stat(self.socket).st_mode & 0o777
