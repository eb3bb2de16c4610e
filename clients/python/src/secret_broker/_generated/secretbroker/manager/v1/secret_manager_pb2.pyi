import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Capability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAPABILITY_UNSPECIFIED: _ClassVar[Capability]
    CAPABILITY_WRITE: _ClassVar[Capability]
    CAPABILITY_DELETE: _ClassVar[Capability]
    CAPABILITY_ROTATE: _ClassVar[Capability]
    CAPABILITY_LIST: _ClassVar[Capability]
    CAPABILITY_DESCRIBE: _ClassVar[Capability]
    CAPABILITY_VERSIONS: _ClassVar[Capability]
    CAPABILITY_PRECONDITIONS: _ClassVar[Capability]
    CAPABILITY_IDEMPOTENCY: _ClassVar[Capability]
    CAPABILITY_ACTIVATE: _ClassVar[Capability]
    CAPABILITY_RESTORE: _ClassVar[Capability]
    CAPABILITY_DESTROY: _ClassVar[Capability]
    CAPABILITY_WATCH: _ClassVar[Capability]
    CAPABILITY_EXPIRY: _ClassVar[Capability]
    CAPABILITY_GRACE_PERIOD: _ClassVar[Capability]
    CAPABILITY_ATOMIC_BATCH: _ClassVar[Capability]
CAPABILITY_UNSPECIFIED: Capability
CAPABILITY_WRITE: Capability
CAPABILITY_DELETE: Capability
CAPABILITY_ROTATE: Capability
CAPABILITY_LIST: Capability
CAPABILITY_DESCRIBE: Capability
CAPABILITY_VERSIONS: Capability
CAPABILITY_PRECONDITIONS: Capability
CAPABILITY_IDEMPOTENCY: Capability
CAPABILITY_ACTIVATE: Capability
CAPABILITY_RESTORE: Capability
CAPABILITY_DESTROY: Capability
CAPABILITY_WATCH: Capability
CAPABILITY_EXPIRY: Capability
CAPABILITY_GRACE_PERIOD: Capability
CAPABILITY_ATOMIC_BATCH: Capability

class CallContext(_message.Message):
    __slots__ = ("request_id", "principal", "options")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    principal: str
    options: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., principal: _Optional[str] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SecretDescription(_message.Message):
    __slots__ = ("name", "uid", "active_version", "create_time", "update_time", "expire_time", "description", "tags", "delete_time", "restorable_until", "changed_by")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    RESTORABLE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    CHANGED_BY_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    active_version: int
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    description: str
    tags: _containers.ScalarMap[str, str]
    delete_time: _timestamp_pb2.Timestamp
    restorable_until: _timestamp_pb2.Timestamp
    changed_by: str
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., active_version: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., delete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., restorable_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., changed_by: _Optional[str] = ...) -> None: ...

class VersionDescription(_message.Message):
    __slots__ = ("version", "uid", "active", "create_time", "expire_time", "destroy_time")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    DESTROY_TIME_FIELD_NUMBER: _ClassVar[int]
    version: int
    uid: str
    active: bool
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    destroy_time: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[int] = ..., uid: _Optional[str] = ..., active: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., destroy_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Payload(_message.Message):
    __slots__ = ("text", "binary")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BINARY_FIELD_NUMBER: _ClassVar[int]
    text: str
    binary: bytes
    def __init__(self, text: _Optional[str] = ..., binary: _Optional[bytes] = ...) -> None: ...

class HandshakeRequest(_message.Message):
    __slots__ = ("min_protocol_version", "max_protocol_version", "broker_version")
    MIN_PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    MAX_PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    BROKER_VERSION_FIELD_NUMBER: _ClassVar[int]
    min_protocol_version: int
    max_protocol_version: int
    broker_version: str
    def __init__(self, min_protocol_version: _Optional[int] = ..., max_protocol_version: _Optional[int] = ..., broker_version: _Optional[str] = ...) -> None: ...

class HandshakeResponse(_message.Message):
    __slots__ = ("protocol_version", "name", "capabilities", "max_payload_bytes", "max_concurrent_calls")
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    MAX_PAYLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_CALLS_FIELD_NUMBER: _ClassVar[int]
    protocol_version: int
    name: str
    capabilities: _containers.RepeatedScalarFieldContainer[Capability]
    max_payload_bytes: int
    max_concurrent_calls: int
    def __init__(self, protocol_version: _Optional[int] = ..., name: _Optional[str] = ..., capabilities: _Optional[_Iterable[_Union[Capability, str]]] = ..., max_payload_bytes: _Optional[int] = ..., max_concurrent_calls: _Optional[int] = ...) -> None: ...

class ValidateEnvironmentRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ValidateEnvironmentResponse(_message.Message):
    __slots__ = ("valid", "notes")
    VALID_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    valid: bool
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, valid: _Optional[bool] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckHealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CheckHealthResponse(_message.Message):
    __slots__ = ("healthy",)
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    healthy: bool
    def __init__(self, healthy: _Optional[bool] = ...) -> None: ...

class ReadSecretRequest(_message.Message):
    __slots__ = ("name", "version", "call")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    call: CallContext
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ...) -> None: ...

class ReadSecretResponse(_message.Message):
    __slots__ = ("name", "payload", "version", "description", "tags")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    payload: Payload
    version: VersionDescription
    description: str
    tags: _containers.ScalarMap[str, str]
    def __init__(self, name: _Optional[str] = ..., payload: _Optional[_Union[Payload, _Mapping]] = ..., version: _Optional[_Union[VersionDescription, _Mapping]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ...) -> None: ...

class BatchRead(_message.Message):
    __slots__ = ("name", "version", "options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    options: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class BatchReadResult(_message.Message):
    __slots__ = ("secret", "error")
    SECRET_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    secret: ReadSecretResponse
    error: _status_pb2.Status
    def __init__(self, secret: _Optional[_Union[ReadSecretResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class BatchReadSecretsRequest(_message.Message):
    __slots__ = ("reads", "call")
    READS_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    reads: _containers.RepeatedCompositeFieldContainer[BatchRead]
    call: CallContext
    def __init__(self, reads: _Optional[_Iterable[_Union[BatchRead, _Mapping]]] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ...) -> None: ...

class BatchReadSecretsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchReadResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchReadResult, _Mapping]]] = ...) -> None: ...

class WriteSecretRequest(_message.Message):
    __slots__ = ("name", "payload", "description", "tags", "expected_version", "request_id", "expire_time", "activate", "call", "clear_tags")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    CLEAR_TAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    payload: Payload
    description: str
    tags: _containers.ScalarMap[str, str]
    expected_version: int
    request_id: str
    expire_time: _timestamp_pb2.Timestamp
    activate: bool
    call: CallContext
    clear_tags: bool
    def __init__(self, name: _Optional[str] = ..., payload: _Optional[_Union[Payload, _Mapping]] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., expected_version: _Optional[int] = ..., request_id: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., activate: _Optional[bool] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ..., clear_tags: _Optional[bool] = ...) -> None: ...

class WriteSecretResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: VersionDescription
    def __init__(self, version: _Optional[_Union[VersionDescription, _Mapping]] = ...) -> None: ...

class DeleteSecretRequest(_message.Message):
    __slots__ = ("name", "recovery_window_in_days", "expected_version", "request_id", "call")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_WINDOW_IN_DAYS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    recovery_window_in_days: int
    expected_version: int
    request_id: str
    call: CallContext
    def __init__(self, name: _Optional[str] = ..., recovery_window_in_days: _Optional[int] = ..., expected_version: _Optional[int] = ..., request_id: _Optional[str] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ...) -> None: ...

class DeleteSecretResponse(_message.Message):
    __slots__ = ("deleted", "uid", "restorable_until")
    DELETED_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    RESTORABLE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    deleted: bool
    uid: str
    restorable_until: _timestamp_pb2.Timestamp
    def __init__(self, deleted: _Optional[bool] = ..., uid: _Optional[str] = ..., restorable_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RotateSecretRequest(_message.Message):
    __slots__ = ("name", "new_name", "payload", "grace_period", "call")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    GRACE_PERIOD_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    new_name: str
    payload: Payload
    grace_period: _duration_pb2.Duration
    call: CallContext
    def __init__(self, name: _Optional[str] = ..., new_name: _Optional[str] = ..., payload: _Optional[_Union[Payload, _Mapping]] = ..., grace_period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ...) -> None: ...

class RotateSecretResponse(_message.Message):
    __slots__ = ("version", "previous_restorable_until")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_RESTORABLE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    version: VersionDescription
    previous_restorable_until: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[_Union[VersionDescription, _Mapping]] = ..., previous_restorable_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ListSecretsRequest(_message.Message):
    __slots__ = ("prefix", "tags", "show_deleted", "page_size", "page_token", "call")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    tags: _containers.ScalarMap[str, str]
    show_deleted: bool
    page_size: int
    page_token: str
    call: CallContext
    def __init__(self, prefix: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., show_deleted: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ...) -> None: ...

class ListSecretsResponse(_message.Message):
    __slots__ = ("secrets", "next_page_token")
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    secrets: _containers.RepeatedCompositeFieldContainer[SecretDescription]
    next_page_token: str
    def __init__(self, secrets: _Optional[_Iterable[_Union[SecretDescription, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DescribeSecretRequest(_message.Message):
    __slots__ = ("name", "call")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    call: CallContext
    def __init__(self, name: _Optional[str] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ...) -> None: ...

class DescribeSecretResponse(_message.Message):
    __slots__ = ("secret", "versions")
    SECRET_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    secret: SecretDescription
    versions: _containers.RepeatedCompositeFieldContainer[VersionDescription]
    def __init__(self, secret: _Optional[_Union[SecretDescription, _Mapping]] = ..., versions: _Optional[_Iterable[_Union[VersionDescription, _Mapping]]] = ...) -> None: ...

class ActivateSecretVersionRequest(_message.Message):
    __slots__ = ("name", "version", "expected_version", "call")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    expected_version: int
    call: CallContext
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., expected_version: _Optional[int] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ...) -> None: ...

class ActivateSecretVersionResponse(_message.Message):
    __slots__ = ("secret",)
    SECRET_FIELD_NUMBER: _ClassVar[int]
    secret: SecretDescription
    def __init__(self, secret: _Optional[_Union[SecretDescription, _Mapping]] = ...) -> None: ...

class RestoreSecretRequest(_message.Message):
    __slots__ = ("name", "uid", "call")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    call: CallContext
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ...) -> None: ...

class RestoreSecretResponse(_message.Message):
    __slots__ = ("secret",)
    SECRET_FIELD_NUMBER: _ClassVar[int]
    secret: SecretDescription
    def __init__(self, secret: _Optional[_Union[SecretDescription, _Mapping]] = ...) -> None: ...

class DestroySecretRequest(_message.Message):
    __slots__ = ("name", "version", "uid", "call")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    uid: str
    call: CallContext
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., uid: _Optional[str] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ...) -> None: ...

class DestroySecretResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WatchSecretsRequest(_message.Message):
    __slots__ = ("after_revision", "call", "from_now")
    AFTER_REVISION_FIELD_NUMBER: _ClassVar[int]
    CALL_FIELD_NUMBER: _ClassVar[int]
    FROM_NOW_FIELD_NUMBER: _ClassVar[int]
    after_revision: int
    call: CallContext
    from_now: bool
    def __init__(self, after_revision: _Optional[int] = ..., call: _Optional[_Union[CallContext, _Mapping]] = ..., from_now: _Optional[bool] = ...) -> None: ...

class WatchSecretsResponse(_message.Message):
    __slots__ = ("changed", "removed", "synced", "revision")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    SYNCED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    changed: SecretDescription
    removed: SecretDescription
    synced: bool
    revision: int
    def __init__(self, changed: _Optional[_Union[SecretDescription, _Mapping]] = ..., removed: _Optional[_Union[SecretDescription, _Mapping]] = ..., synced: _Optional[bool] = ..., revision: _Optional[int] = ...) -> None: ...
