"""The one error of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "secretbroker.dev"

# What a status without details counts as: gRPC makes some without asking the broker.
_REASON_BY_CODE = {
    grpc.StatusCode.CANCELLED: "CALL_CANCELLED",
    grpc.StatusCode.DEADLINE_EXCEEDED: "MANAGER_TIMEOUT",
    grpc.StatusCode.UNAVAILABLE: "MANAGER_UNAVAILABLE",
    grpc.StatusCode.UNIMPLEMENTED: "CAPABILITY_UNSUPPORTED",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "RATE_LIMITED",
    grpc.StatusCode.UNAUTHENTICATED: "CREDENTIAL_INVALID",
    grpc.StatusCode.PERMISSION_DENIED: "POLICY_DENIED",
}

_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True)
class FieldViolation:
    """One field of a request that breaks a rule."""

    field: str
    description: str


class SecretBrokerError(Exception):
    """A call that failed. Decide by `reason`, which is one of those in the broker's docs/errors.md.

    Neither the message nor anything else here holds a payload.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        """What went wrong, such as SECRET_NOT_FOUND."""
        self.code = code
        """The gRPC status code."""
        self.metadata = dict(metadata or {})
        """Facts such as the secret's name and the request_id."""
        self.violations = tuple(violations)
        """With FIELD_INVALID, every field that is wrong."""
        self.retry_after = retry_after
        """After how many seconds a repetition may succeed, when the broker says so."""

    @property
    def is_absent(self) -> bool:
        """Whether there is no such secret, version or field for the caller: NOT_FOUND, whatever the reason."""
        return self.code is grpc.StatusCode.NOT_FOUND

    def again(self) -> SecretBrokerError:
        """The same failure to raise once more, without the traceback of the first time."""
        return _made(*self._facts())

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, self._facts()

    def _facts(self) -> tuple[Any, ...]:
        return self.reason, self.args[0], self.code, self.metadata, self.violations, self.retry_after

    def __str__(self) -> str:
        return f"{self.args[0]} ({self.reason})"


def _made(
    reason: str,
    message: str,
    code: grpc.StatusCode,
    metadata: Mapping[str, str],
    violations: Sequence[FieldViolation],
    retry_after: float | None,
) -> SecretBrokerError:
    facts = {"metadata": metadata, "violations": violations, "retry_after": retry_after}
    return SecretBrokerError(reason, message, code=code, **facts)  # type: ignore[arg-type]


def invalid_argument(field: str, description: str) -> SecretBrokerError:
    """A request that cannot be sent as it is."""
    violation = FieldViolation(field, description)
    code = grpc.StatusCode.INVALID_ARGUMENT
    return SecretBrokerError("FIELD_INVALID", f"{field} {description}", code=code, violations=[violation])


def invalid_reply(what: str) -> SecretBrokerError:
    """An answer that the contract does not allow; `what` is never a part of it."""
    message = f"the broker answered with {what}"
    return SecretBrokerError("MANAGER_REPLY_INVALID", message, code=grpc.StatusCode.INTERNAL)


def from_rpc_error(error: grpc.RpcError) -> SecretBrokerError:
    """The failure a call ended with."""
    code, details = error.code(), error.details() or ""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status()
            if _parses(status, value):
                return _from_status(status, code, details)
    return _bare(code, details)


def from_status(status: status_pb2.Status) -> SecretBrokerError:
    """The failure of one read of a batch."""
    return _from_status(status, _CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message)


def _from_status(status: status_pb2.Status, code: grpc.StatusCode, message: str) -> SecretBrokerError:
    info = error_details_pb2.ErrorInfo()
    bad = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        for wanted in (info, bad, retry):
            if detail.Is(wanted.DESCRIPTOR):
                _parses(wanted, detail.value)
    if info.domain != DOMAIN:
        return _bare(code, message)
    return SecretBrokerError(
        info.reason,
        message,
        code=code,
        metadata=info.metadata,
        violations=[FieldViolation(each.field, each.description) for each in bad.field_violations],
        retry_after=_seconds(retry.retry_delay) if retry.HasField("retry_delay") else None,
    )


def _seconds(duration: Any) -> float:
    """By arithmetic that no peer's numbers can fail."""
    seconds = float(duration.seconds) + float(duration.nanos) / 1e9
    return max(0.0, seconds)


def _bare(code: grpc.StatusCode, message: str) -> SecretBrokerError:
    return SecretBrokerError(_REASON_BY_CODE.get(code, "INTERNAL_ERROR"), message, code=code)


def _parses(message: Message, value: Any) -> bool:
    """Bytes of a peer's that are no such message count as not there."""
    try:
        message.ParseFromString(value)
    except (DecodeError, TypeError):
        return False
    return True
