"""What the host and whoever starts it tell each other.

Once it serves, the host prints one line of JSON to its standard output, and nothing after it:

    {"secret_broker_host": {"ready": true, "address": "unix:/path"}}

If it cannot serve, it prints this instead and exits with code 3:

    {"secret_broker_host": {"ready": false, "reason": "IMPORT_FAILED", "detail": "ModuleNotFoundError: hvac"}}

`detail` holds names only: of classes, modules and methods, never a text of the class or of an exception. Everything
else, the class's own prints included, goes to standard error. The host stops when its standard input ends.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Literal

Reason = Literal["GRPCIO_MISSING", "IMPORT_FAILED", "CLASS_NOT_FOUND", "NOT_A_MANAGER", "CONSTRUCTOR_FAILED"]

FAILURE_EXIT_CODE = 3


class HostFailure(Exception):
    """The host cannot serve; the detail is safe to show."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


class HostOutput:
    """The standard output as the starter reads it, kept out of the class's reach."""

    def __init__(self) -> None:
        """From here on whatever writes to standard output, Python or not, writes to standard error."""
        self._file = os.dup(1)
        os.dup2(2, 1)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    def ready(self, address: str) -> None:
        """Says that the host serves."""
        self._write({"ready": True, "address": address})

    def failed(self, failure: HostFailure) -> None:
        """Says why the host cannot serve."""
        self._write({"ready": False, "reason": failure.reason, "detail": failure.detail})

    def _write(self, message: dict[str, object]) -> None:
        line = json.dumps({"secret_broker_host": message}) + "\n"
        try:
            os.write(self._file, line.encode())
        except BrokenPipeError:
            pass  # Nobody listens any more; the end of standard input stops the host.


def take_stdin() -> int:
    """A file that ends when the starter closes standard input; the class gets an empty one."""
    file = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return file
