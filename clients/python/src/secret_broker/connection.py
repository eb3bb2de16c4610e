"""Where the broker is, how it is reached, and how a caller proves who it is."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from .errors import SecretBrokerError, invalid_argument

DEFAULT_ADDRESS = "127.0.0.1:50051"
DEFAULT_TIMEOUT = 10.0

# The broker's largest payload is 64 MiB, and a batch holds many.
_MESSAGE_OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
# A broker that comes back is found within a second, and a connection that died silently is noticed.
_CONNECTION_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.enable_http_proxy", 0),
)
# An address may require it, to tell callers from programs that were made to send a request.
_GUARD = ("x-secret-broker-request", "true")

Token = str | Callable[[], str | None] | None
"""A bearer token, or what gives it, asked on each call."""


@dataclass(frozen=True)
class Tls:
    """TLS to the broker. Files are PEM; without `ca_file` the system's certificates are trusted."""

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None
    """The name the broker's certificate has, where it is not the address's."""

    def credentials(self) -> grpc.ChannelCredentials:
        """What a channel needs."""
        files = ("ca_file", "key_file", "certificate_file")
        return grpc.ssl_channel_credentials(*(_read(f"tls.{each}", getattr(self, each)) for each in files))


@dataclass(frozen=True)
class Settings:
    """Everything a client needs to connect. Does not show the token."""

    address: str
    tls: Tls | None
    token: Token
    timeout: float

    def __repr__(self) -> str:
        return f"Settings(address={self.address!r}, tls={self.tls is not None}, timeout={self.timeout})"

    def channel_options(self) -> list[tuple[str, object]]:
        """For a channel, with TLS or without."""
        options: list[tuple[str, object]] = [*_MESSAGE_OPTIONS, *_CONNECTION_OPTIONS]
        if self.tls is not None and self.tls.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self.tls.server_name))
        return options

    def open_channel(self, api: Any) -> Any:
        """A channel of `grpc`, or of `grpc.aio`; it connects with the first call. Raises SecretBrokerError."""
        if self.tls is None:
            return api.insecure_channel(self.address, self.channel_options())
        return api.secure_channel(self.address, self.tls.credentials(), self.channel_options())

    def metadata(self) -> list[tuple[str, str]]:
        """For each call: that it is meant for a broker, which an address may require, and who makes it.

        Raises SecretBrokerError, and never shows the token: CREDENTIAL_INVALID for one that cannot be sent, and
        IDENTITY_UNAVAILABLE where none can be had now, which is no refusal of the broker's.
        """
        try:
            token = self.token() if callable(self.token) else self.token
        except Exception as error:
            # Whatever a function of the caller's says stays in the cause.
            message = f"the token could not be had: {type(error).__name__}"
            raise SecretBrokerError("IDENTITY_UNAVAILABLE", message, code=grpc.StatusCode.UNAVAILABLE) from error
        if token is None:
            return [_GUARD]
        # What gRPC cannot send it refuses with a message that quotes it.
        if not isinstance(token, str) or re.fullmatch(r"[!-~]+", token) is None:
            message = "the token must be visible ASCII characters"
            raise SecretBrokerError("CREDENTIAL_INVALID", message, code=grpc.StatusCode.UNAUTHENTICATED)
        return [_GUARD, ("authorization", f"Bearer {token}")]


def create_settings(address: str, tls: Tls | None, token: Token, timeout: float) -> Settings:
    """Checks what a client is made with. Raises SecretBrokerError, FIELD_INVALID."""
    if not timeout > 0:
        raise invalid_argument("timeout", "must be a number of seconds above 0")
    if tls is None and not _is_this_machine(address):
        raise invalid_argument("address", "must be on this machine or a Unix socket unless tls is given")
    return Settings(address, tls, token, timeout)


def settings_from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """From SECRET_BROKER_ADDRESS, _TOKEN or _TOKEN_FILE, _CA_FILE, _CERTIFICATE_FILE, _KEY_FILE, _SERVER_NAME, _TIMEOUT.

    A token's file is read again on each call, so that a new token is used at once.
    """
    value = {key: environment.get(f"SECRET_BROKER_{key}") or None for key in _VARIABLES}
    tls_values = [value[key] for key in ("CA_FILE", "CERTIFICATE_FILE", "KEY_FILE", "SERVER_NAME")]
    has_tls = environment.get("SECRET_BROKER_TLS") == "1" or any(tls_values)
    token_file = value["TOKEN_FILE"]
    token: Token = value["TOKEN"]
    if token_file is not None and token is None:
        token = lambda: _token_in(token_file)  # noqa: E731
    return create_settings(
        value["ADDRESS"] or DEFAULT_ADDRESS, Tls(*tls_values) if has_tls else None, token, _seconds(value["TIMEOUT"])
    )


_VARIABLES = (
    "ADDRESS",
    "TOKEN",
    "TOKEN_FILE",
    "CA_FILE",
    "CERTIFICATE_FILE",
    "KEY_FILE",
    "SERVER_NAME",
    "TIMEOUT",
)


def _seconds(text: str | None) -> float:
    try:
        return DEFAULT_TIMEOUT if text is None else float(text)
    except ValueError:
        raise invalid_argument("SECRET_BROKER_TIMEOUT", "must be a number of seconds") from None


def _is_this_machine(address: str) -> bool:
    if address.startswith("unix:"):
        return len(address) > len("unix:")
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdecimal():
        return False
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _read(field: str, file: str | None) -> bytes | None:
    try:
        return None if file is None else Path(file).read_bytes()
    except OSError as error:
        raise invalid_argument(field, f"must be a file that can be read: {error.strerror}") from error


def _token_in(file: str) -> str:
    token = Path(file).read_text("utf-8").strip()
    if not token:
        raise ValueError("the file is empty")  # Whoever replaces a file may leave it so for a moment.
    return token
