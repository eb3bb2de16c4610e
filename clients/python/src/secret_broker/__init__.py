"""A client of the secret broker, a LiteLLM secret manager over it, and a host for managers written in Python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answers import Deleted, Described, Description, NotModified, Page, Payload, Secret, Version
    from .calls import Read
    from .client import Client
    from .connection import Tls
    from .errors import FieldViolation, SecretBrokerError
    from .retries import RetryOptions
    from .store_state import StoreOptions

__version__ = "0.1.0"

# Imported when they are first used: the host has to run, and say what is missing, where grpcio is not installed.
_HOMES = {
    "answers": ("Deleted", "Described", "Description", "NotModified", "Page", "Payload", "Secret", "Version"),
    "calls": ("Read",),
    "client": ("Client",),
    "connection": ("Tls",),
    "errors": ("FieldViolation", "SecretBrokerError"),
    "retries": ("RetryOptions",),
    "store_state": ("StoreOptions",),
}

__all__ = [
    "Client",
    "Deleted",
    "Described",
    "Description",
    "FieldViolation",
    "NotModified",
    "Page",
    "Payload",
    "Read",
    "RetryOptions",
    "Secret",
    "SecretBrokerError",
    "StoreOptions",
    "Tls",
    "Version",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f".{home}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
