"""Starts the shipped broker, from the repository this package lies in."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
VECTORS = REPOSITORY / "clients/vectors"
NODE = os.environ.get("SECRET_BROKER_NODE", str(REPOSITORY / "node_modules/.bin/node"))


class RunningBroker:
    """`secret-broker serve` with a configuration in a folder of its own."""

    def __init__(self, files: dict[str, str]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="sb-py-"))
        for name, text in files.items():
            path = self.folder / name
            path.write_text(text, "utf8")
            path.chmod(0o600)
        self.address = ""
        self.start()

    def start(self) -> None:
        """Starts it, again at the address it had if it was started before."""
        listen = ["--listen", self.address] if self.address else []
        arguments = ["serve", "--config", str(self.folder / "config.yaml"), *listen]
        self._process = subprocess.Popen(
            [NODE, str(REPOSITORY / "dist/main.js"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr
        printed = ""
        for line in self._process.stderr:
            printed += line
            found = re.search(r"gRPC +(127\.0\.0\.1:\d+)", line)
            self.address = found[1] if found else self.address
            if "Health/Check" in line or "DeleteSecret" in line:
                break
        else:
            raise AssertionError(f"the broker ended at its start: {printed}")
        stderr = self._process.stderr
        self._drain = threading.Thread(target=lambda: stderr.read(), daemon=True)
        self._drain.start()

    def kill(self) -> None:
        """Ends it without a word."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ends it in order, and removes the folder."""
        code = self._end(signal.SIGTERM)
        shutil.rmtree(self.folder)
        return code

    def _end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        code = self._process.wait(60)
        self._drain.join()
        assert self._process.stderr
        self._process.stderr.close()
        return code


def vector_files() -> dict[str, str]:
    """The configuration that the vectors are run against."""
    return {name: (VECTORS / name).read_text("utf8") for name in ("config.yaml", "tokens.yaml")}
