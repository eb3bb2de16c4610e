"""The broker's calls: the request that each makes of its arguments, and the answer that each makes of the reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from . import answers
from ._generated.secretbroker.v1 import secret_broker_pb2 as wire
from .answers import Payload
from .errors import invalid_argument

Answer = TypeVar("Answer")
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Rpc:
    """One unary method of the broker's."""

    path: str
    serialize: Callable[[Any], bytes]
    deserialize: Callable[[bytes], Any]


def _rpc(name: str) -> Rpc:
    method = wire.DESCRIPTOR.services_by_name["SecretBroker"].methods_by_name[name]
    request, response = getattr(wire, method.input_type.name), getattr(wire, method.output_type.name)
    return Rpc(f"/secretbroker.v1.SecretBroker/{name}", request.SerializeToString, response.FromString)


_READ, _BATCH, _LIST = _rpc("ReadSecret"), _rpc("BatchReadSecrets"), _rpc("ListSecrets")
_DESCRIBE, _WRITE = _rpc("DescribeSecret"), _rpc("WriteSecret")
_DELETE, _ROTATE = _rpc("DeleteSecret"), _rpc("RotateSecret")


@dataclass(frozen=True)
class Call(Generic[Answer]):
    """One call, ready to be sent."""

    rpc: Rpc
    request: Any = field(repr=False)
    answer: Callable[[Any], Answer]
    is_repeatable: bool
    """Whether making it twice does no more than making it once."""


@dataclass(frozen=True)
class Read:
    """One read of a batch."""

    name: str
    version: int | None = None
    field: str | None = None
    known_version: int | None = None
    max_staleness: float | None = None
    options: Options | None = None


def read(ask: Read) -> Call[answers.ReadAnswer]:
    """ReadSecret."""
    return Call(_READ, _read_request(ask), partial(answers.read_answer, name=ask.name), True)


def batch(reads: Sequence[Read | str], atomic: bool) -> Call[answers.BatchResults]:
    """BatchReadSecrets."""
    asks = [Read(each) if isinstance(each, str) else each for each in reads]
    request = _build(wire.BatchReadSecretsRequest, reads=[_read_request(ask) for ask in asks], atomic=atomic)
    return Call(_BATCH, request, partial(answers.batch_answer, names=[ask.name for ask in asks]), True)


def list_page(**fields: Any) -> Call[answers.Page]:
    """ListSecrets."""
    return Call(_LIST, _build(wire.ListSecretsRequest, **fields), answers.page, True)


def describe(name: str, options: Options | None) -> Call[answers.Described]:
    """DescribeSecret."""
    return Call(_DESCRIBE, _build(wire.DescribeSecretRequest, name=name, options=options), answers.described, True)


def write(name: str, payload: Payload, expire_time: datetime | None, **fields: Any) -> Call[answers.Version]:
    """WriteSecret."""
    request = _build(wire.WriteSecretRequest, name=name, **_payload(payload), **fields)
    if expire_time is not None:
        request.expire_time.FromDatetime(expire_time)
    return Call(_WRITE, request, answers.written, bool(request.request_id))


def delete(**fields: Any) -> Call[answers.Deleted]:
    """DeleteSecret."""
    request = _build(wire.DeleteSecretRequest, **fields)
    return Call(_DELETE, request, answers.deleted, bool(request.request_id))


def rotate(name: str, payload: Payload, grace_period: float | None, **fields: Any) -> Call[answers.Version]:
    """RotateSecret."""
    request = _build(wire.RotateSecretRequest, name=name, **_payload(payload), **fields)
    if grace_period is not None:
        _set_seconds(request.grace_period, grace_period)
    return Call(_ROTATE, request, answers.written, False)


def _read_request(ask: Read) -> wire.ReadSecretRequest:
    fields = {"name": ask.name, "version": ask.version, "field": ask.field, "known_version": ask.known_version}
    request: wire.ReadSecretRequest = _build(wire.ReadSecretRequest, **fields, options=ask.options)
    if ask.max_staleness is not None:
        _set_seconds(request.max_staleness, ask.max_staleness)
    return request


def _payload(payload: Payload) -> dict[str, Payload]:
    if isinstance(payload, str):
        return {"text": payload}
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return {"binary": bytes(payload)}
    raise invalid_argument("payload", f"must be str or bytes, not {type(payload).__name__}")


def _build(message: Callable[[], Any], **fields: Any) -> Any:
    """A message of what is not None; what the wire cannot carry is refused by its name, and not quoted."""
    built = message()
    for name, value in fields.items():
        if value is None:
            continue
        try:
            _set(built, name, value)
        except (TypeError, ValueError, AttributeError):
            raise invalid_argument(name, "is not of a type or in a range that can be sent") from None
    return built


def _set(message: Message, name: str, value: Any) -> None:
    target = getattr(message, name)
    if isinstance(value, Mapping):
        target.update(value)
    elif isinstance(value, list):
        target.extend(value)
    elif isinstance(value, str):
        setattr(message, name, value)
        # Half a surrogate pair is no text; the newest protobuf says so when it is set, the others when it is sent.
        value.encode("utf-8")
    else:
        setattr(message, name, value)


def _set_seconds(duration: Any, seconds: float) -> None:
    try:
        duration.FromNanoseconds(round(seconds * 1e9))
    except (OverflowError, ValueError):
        raise invalid_argument("duration", "is not a number of seconds that can be sent") from None
