import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from secret_broker._generated.secretbroker.v1 import secret_pb2 as _secret_pb2
from secret_broker._generated.secretbroker.v1 import watch_pb2 as _watch_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeleteStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELETE_STATUS_UNSPECIFIED: _ClassVar[DeleteStatus]
    DELETE_STATUS_DELETED: _ClassVar[DeleteStatus]
    DELETE_STATUS_NOT_FOUND: _ClassVar[DeleteStatus]
DELETE_STATUS_UNSPECIFIED: DeleteStatus
DELETE_STATUS_DELETED: DeleteStatus
DELETE_STATUS_NOT_FOUND: DeleteStatus

class ReadSecretRequest(_message.Message):
    __slots__ = ("name", "options", "version", "field", "known_version", "max_staleness")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    KNOWN_VERSION_FIELD_NUMBER: _ClassVar[int]
    MAX_STALENESS_FIELD_NUMBER: _ClassVar[int]
    name: str
    options: _struct_pb2.Struct
    version: int
    field: str
    known_version: int
    max_staleness: _duration_pb2.Duration
    def __init__(self, name: _Optional[str] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., version: _Optional[int] = ..., field: _Optional[str] = ..., known_version: _Optional[int] = ..., max_staleness: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ReadSecretResponse(_message.Message):
    __slots__ = ("secret", "not_modified", "served_from", "age")
    SECRET_FIELD_NUMBER: _ClassVar[int]
    NOT_MODIFIED_FIELD_NUMBER: _ClassVar[int]
    SERVED_FROM_FIELD_NUMBER: _ClassVar[int]
    AGE_FIELD_NUMBER: _ClassVar[int]
    secret: _secret_pb2.Secret
    not_modified: bool
    served_from: _secret_pb2.ServedFrom
    age: _duration_pb2.Duration
    def __init__(self, secret: _Optional[_Union[_secret_pb2.Secret, _Mapping]] = ..., not_modified: _Optional[bool] = ..., served_from: _Optional[_Union[_secret_pb2.ServedFrom, str]] = ..., age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class BatchReadSecretsRequest(_message.Message):
    __slots__ = ("reads", "atomic")
    READS_FIELD_NUMBER: _ClassVar[int]
    ATOMIC_FIELD_NUMBER: _ClassVar[int]
    reads: _containers.RepeatedCompositeFieldContainer[ReadSecretRequest]
    atomic: bool
    def __init__(self, reads: _Optional[_Iterable[_Union[ReadSecretRequest, _Mapping]]] = ..., atomic: _Optional[bool] = ...) -> None: ...

class BatchReadSecretsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchReadSecretsResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchReadSecretsResult, _Mapping]]] = ...) -> None: ...

class BatchReadSecretsResult(_message.Message):
    __slots__ = ("read", "error")
    READ_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    read: ReadSecretResponse
    error: _status_pb2.Status
    def __init__(self, read: _Optional[_Union[ReadSecretResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class ListSecretsRequest(_message.Message):
    __slots__ = ("prefix", "tags", "show_deleted", "page_size", "page_token", "options")
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
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    tags: _containers.ScalarMap[str, str]
    show_deleted: bool
    page_size: int
    page_token: str
    options: _struct_pb2.Struct
    def __init__(self, prefix: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., show_deleted: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListSecretsResponse(_message.Message):
    __slots__ = ("secrets", "next_page_token")
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    secrets: _containers.RepeatedCompositeFieldContainer[_secret_pb2.SecretMetadata]
    next_page_token: str
    def __init__(self, secrets: _Optional[_Iterable[_Union[_secret_pb2.SecretMetadata, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DescribeSecretRequest(_message.Message):
    __slots__ = ("name", "options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    options: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DescribeSecretResponse(_message.Message):
    __slots__ = ("secret", "versions", "changed_by", "change_time")
    SECRET_FIELD_NUMBER: _ClassVar[int]
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_BY_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    secret: _secret_pb2.SecretMetadata
    versions: _containers.RepeatedCompositeFieldContainer[_secret_pb2.SecretVersion]
    changed_by: str
    change_time: _timestamp_pb2.Timestamp
    def __init__(self, secret: _Optional[_Union[_secret_pb2.SecretMetadata, _Mapping]] = ..., versions: _Optional[_Iterable[_Union[_secret_pb2.SecretVersion, _Mapping]]] = ..., changed_by: _Optional[str] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class WriteSecretRequest(_message.Message):
    __slots__ = ("name", "text", "binary", "description", "tags", "expected_version", "request_id", "expire_time", "activate", "options")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BINARY_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    ACTIVATE_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    binary: bytes
    description: str
    tags: _containers.ScalarMap[str, str]
    expected_version: int
    request_id: str
    expire_time: _timestamp_pb2.Timestamp
    activate: bool
    options: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ..., binary: _Optional[bytes] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., expected_version: _Optional[int] = ..., request_id: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., activate: _Optional[bool] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class WriteSecretResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: _secret_pb2.SecretVersion
    def __init__(self, version: _Optional[_Union[_secret_pb2.SecretVersion, _Mapping]] = ...) -> None: ...

class ActivateSecretVersionRequest(_message.Message):
    __slots__ = ("name", "version", "expected_version", "options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    expected_version: int
    options: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., expected_version: _Optional[int] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ActivateSecretVersionResponse(_message.Message):
    __slots__ = ("secret",)
    SECRET_FIELD_NUMBER: _ClassVar[int]
    secret: _secret_pb2.SecretMetadata
    def __init__(self, secret: _Optional[_Union[_secret_pb2.SecretMetadata, _Mapping]] = ...) -> None: ...

class DeleteSecretRequest(_message.Message):
    __slots__ = ("name", "recovery_window_in_days", "expected_version", "must_exist", "request_id", "options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_WINDOW_IN_DAYS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    MUST_EXIST_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    recovery_window_in_days: int
    expected_version: int
    must_exist: bool
    request_id: str
    options: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., recovery_window_in_days: _Optional[int] = ..., expected_version: _Optional[int] = ..., must_exist: _Optional[bool] = ..., request_id: _Optional[str] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DeleteSecretResponse(_message.Message):
    __slots__ = ("status", "uid", "restorable_until")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    RESTORABLE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    status: DeleteStatus
    uid: str
    restorable_until: _timestamp_pb2.Timestamp
    def __init__(self, status: _Optional[_Union[DeleteStatus, str]] = ..., uid: _Optional[str] = ..., restorable_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class RestoreSecretRequest(_message.Message):
    __slots__ = ("name", "uid", "options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    options: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RestoreSecretResponse(_message.Message):
    __slots__ = ("secret",)
    SECRET_FIELD_NUMBER: _ClassVar[int]
    secret: _secret_pb2.SecretMetadata
    def __init__(self, secret: _Optional[_Union[_secret_pb2.SecretMetadata, _Mapping]] = ...) -> None: ...

class DestroySecretRequest(_message.Message):
    __slots__ = ("name", "version", "uid", "options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    uid: str
    options: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., uid: _Optional[str] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DestroySecretResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RotateSecretRequest(_message.Message):
    __slots__ = ("name", "new_name", "text", "binary", "grace_period", "options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    BINARY_FIELD_NUMBER: _ClassVar[int]
    GRACE_PERIOD_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    new_name: str
    text: str
    binary: bytes
    grace_period: _duration_pb2.Duration
    options: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., new_name: _Optional[str] = ..., text: _Optional[str] = ..., binary: _Optional[bytes] = ..., grace_period: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RotateSecretResponse(_message.Message):
    __slots__ = ("version", "previous_restorable_until")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_RESTORABLE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    version: _secret_pb2.SecretVersion
    previous_restorable_until: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[_Union[_secret_pb2.SecretVersion, _Mapping]] = ..., previous_restorable_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
