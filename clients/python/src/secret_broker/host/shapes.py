"""Between the wire's messages and what LiteLLM's methods take and give."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import struct_pb2

from .._generated.secretbroker.manager.v1 import secret_manager_pb2 as wire


class Unsupported(Exception):
    """The manager cannot do what is asked. The text is for the caller."""


class ManagerFailed(Exception):
    """The manager says that it failed, or answered with what is no answer. The text is for the log."""


def accepted_arguments(method: Callable[..., Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What keeps those of some named arguments that a method takes: older classes lack the newer ones."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return lambda arguments: arguments
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return lambda arguments: arguments
    names = {parameter.name for parameter in parameters if parameter.kind is not parameter.POSITIONAL_ONLY}
    return lambda arguments: {name: value for name, value in arguments.items() if name in names}


def options_of(call: wire.CallContext) -> dict[str, Any] | None:
    """The caller's options as optional_params; None when there are none."""
    return _plain_struct(call.options) if call.HasField("options") else None


def _plain_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    return {name: _plain(value) for name, value in struct.fields.items()}


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _plain_struct(value.struct_value)
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None if kind in (None, "null_value") else getattr(value, kind)


def text_of(payload: wire.Payload) -> str:
    """A payload as the text that LiteLLM's methods take."""
    if payload.WhichOneof("payload") == "binary":
        raise Unsupported("payloads of bytes: LiteLLM's secret managers keep text")
    return payload.text


def payload_of(value: object) -> wire.Payload:
    """What a read gave, as a payload."""
    if isinstance(value, str):
        return wire.Payload(text=value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return wire.Payload(binary=bytes(value))
    raise ManagerFailed(f"a read gave {type(value).__name__}, not str or None")


def check_status(reply: object) -> str:
    """The status of a reply, in the words LiteLLM's own managers use; raises for the bad ones."""
    status = reply.get("status") if isinstance(reply, Mapping) else None
    if status == "not_supported":
        raise Unsupported("it, by its own reply")
    if status == "error":
        raise ManagerFailed(f"its reply says: {reply!r}")
    return status if isinstance(status, str) else ""
