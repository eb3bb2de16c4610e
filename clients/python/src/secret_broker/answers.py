"""What the broker answers, as plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Literal

from google.protobuf.timestamp_pb2 import Timestamp

from ._generated.secretbroker.v1 import secret_broker_pb2 as wire
from ._generated.secretbroker.v1 import secret_pb2
from .errors import SecretBrokerError, from_status, invalid_reply

Payload = str | bytes
"""The value of a secret: str when it was written as text, bytes otherwise."""

ServedFrom = Literal["manager", "cache", "stale"]


@dataclass(frozen=True)
class Secret:
    """One version of a secret. Its payload is not in the repr, so that it is not logged by accident."""

    name: str
    payload: Payload = field(repr=False)
    version: int
    """0 when the manager keeps no versions."""
    uid: str
    """The generation, one life of the name; empty when the manager keeps none."""
    description: str
    tags: Mapping[str, str]
    create_time: datetime | None
    expire_time: datetime | None
    served_from: ServedFrom = "manager"

    @property
    def text(self) -> str:
        """The payload as text; raises UnicodeDecodeError for bytes that are none."""
        return self.payload if isinstance(self.payload, str) else self.payload.decode("utf-8")

    @property
    def binary(self) -> bytes:
        """The payload as bytes."""
        return self.payload if isinstance(self.payload, bytes) else self.payload.encode("utf-8")


@dataclass(frozen=True)
class NotModified:
    """The version the caller knows is still the active one."""

    version: int
    served_from: ServedFrom


@dataclass(frozen=True)
class Description:
    """A secret without its payload."""

    name: str
    uid: str
    active_version: int
    description: str
    tags: Mapping[str, str]
    create_time: datetime | None
    update_time: datetime | None
    expire_time: datetime | None
    delete_time: datetime | None
    restorable_until: datetime | None


@dataclass(frozen=True)
class Version:
    """One version of a secret without its payload."""

    version: int
    uid: str
    active: bool
    create_time: datetime | None
    expire_time: datetime | None
    destroy_time: datetime | None


@dataclass(frozen=True)
class Described:
    """A secret and its versions, oldest first, without payloads."""

    secret: Description
    versions: tuple[Version, ...]
    changed_by: str
    change_time: datetime | None


@dataclass(frozen=True)
class Page:
    """Secrets in the order of their names, without payloads."""

    secrets: tuple[Description, ...]
    next_page_token: str
    """What to ask the next page with; empty on the last."""


@dataclass(frozen=True)
class Deleted:
    """What became of a deletion."""

    status: Literal["deleted", "not_found"]
    uid: str
    restorable_until: datetime | None


ReadAnswer = Secret | NotModified
BatchResult = Secret | NotModified | SecretBrokerError
BatchResults = list[BatchResult]


def read_answer(answer: wire.ReadSecretResponse, name: str) -> ReadAnswer:
    """A read of a name, from the wire. Raises SecretBrokerError, MANAGER_REPLY_INVALID, as all of these do."""
    if not answer.HasField("secret"):
        raise invalid_reply("no secret")
    if answer.secret.name != name:
        raise invalid_reply("another secret than the one asked for")
    served_from = _served_from(answer.served_from)
    if answer.not_modified:
        return NotModified(answer.secret.version, served_from)
    return secret(answer.secret, served_from)


def secret(answer: secret_pb2.Secret, served_from: ServedFrom = "manager") -> Secret:
    """A secret, from the wire."""
    kind = answer.WhichOneof("payload")
    if kind is None:
        raise invalid_reply("a secret without a payload")
    return Secret(
        name=answer.name,
        payload=answer.text if kind == "text" else answer.binary,
        version=answer.version,
        uid=answer.uid,
        description=answer.description,
        tags=dict(answer.tags),
        create_time=_time(answer, "create_time"),
        expire_time=_time(answer, "expire_time"),
        served_from=served_from,
    )


def batch_answer(answer: wire.BatchReadSecretsResponse, names: Sequence[str]) -> BatchResults:
    """A batch, from the wire; failures are values, as one must not hide the others."""
    if len(answer.results) != len(names):
        raise invalid_reply("another number of results than there were reads")
    return [_batch_result(each, name) for each, name in zip(answer.results, names)]


def _batch_result(answer: wire.BatchReadSecretsResult, name: str) -> BatchResult:
    kind = answer.WhichOneof("result")
    try:
        if kind is None:
            raise invalid_reply("an empty result")
        return from_status(answer.error) if kind == "error" else read_answer(answer.read, name)
    except SecretBrokerError as error:
        return error


def page(answer: wire.ListSecretsResponse) -> Page:
    """A page of a list, from the wire."""
    return Page(tuple(_description(each) for each in answer.secrets), answer.next_page_token)


def described(answer: wire.DescribeSecretResponse) -> Described:
    """A description, from the wire."""
    versions = tuple(version(each) for each in answer.versions)
    return Described(_description(answer.secret), versions, answer.changed_by, _time(answer, "change_time"))


def written(answer: wire.WriteSecretResponse | wire.RotateSecretResponse) -> Version:
    """The version a write or a rotation made, from the wire."""
    return version(answer.version)


def version(answer: secret_pb2.SecretVersion) -> Version:
    """A version, from the wire."""
    return Version(
        version=answer.version,
        uid=answer.uid,
        active=answer.active,
        create_time=_time(answer, "create_time"),
        expire_time=_time(answer, "expire_time"),
        destroy_time=_time(answer, "destroy_time"),
    )


_DELETE_STATUS: Mapping[int, Literal["deleted", "not_found"]] = {
    wire.DELETE_STATUS_DELETED: "deleted",
    wire.DELETE_STATUS_NOT_FOUND: "not_found",
}


def deleted(answer: wire.DeleteSecretResponse) -> Deleted:
    """A deletion, from the wire."""
    status = _DELETE_STATUS.get(answer.status)
    if status is None:
        raise invalid_reply("a deletion without a status")
    return Deleted(status, answer.uid, _time(answer, "restorable_until"))


def _description(answer: secret_pb2.SecretMetadata) -> Description:
    return Description(
        name=answer.name,
        uid=answer.uid,
        active_version=answer.active_version,
        description=answer.description,
        tags=dict(answer.tags),
        create_time=_time(answer, "create_time"),
        update_time=_time(answer, "update_time"),
        expire_time=_time(answer, "expire_time"),
        delete_time=_time(answer, "delete_time"),
        restorable_until=_time(answer, "restorable_until"),
    )


def _served_from(value: int) -> ServedFrom:
    if value == secret_pb2.SERVED_FROM_CACHE:
        return "cache"
    return "stale" if value == secret_pb2.SERVED_FROM_STALE else "manager"


def _time(message: object, name: str) -> datetime | None:
    if not message.HasField(name):  # type: ignore[attr-defined]
        return None
    stamp: Timestamp = getattr(message, name)
    try:
        return stamp.ToDatetime(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        raise invalid_reply("a time that is none") from None
