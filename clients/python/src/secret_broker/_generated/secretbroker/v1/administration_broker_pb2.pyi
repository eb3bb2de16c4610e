import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("managers", "audit", "cache", "start_time", "configuration_time", "frozen_names")
    MANAGERS_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    CONFIGURATION_TIME_FIELD_NUMBER: _ClassVar[int]
    FROZEN_NAMES_FIELD_NUMBER: _ClassVar[int]
    managers: _containers.RepeatedCompositeFieldContainer[ManagerStatus]
    audit: AuditStatus
    cache: CacheStatus
    start_time: _timestamp_pb2.Timestamp
    configuration_time: _timestamp_pb2.Timestamp
    frozen_names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, managers: _Optional[_Iterable[_Union[ManagerStatus, _Mapping]]] = ..., audit: _Optional[_Union[AuditStatus, _Mapping]] = ..., cache: _Optional[_Union[CacheStatus, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., configuration_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., frozen_names: _Optional[_Iterable[str]] = ...) -> None: ...

class ManagerStatus(_message.Message):
    __slots__ = ("name", "kind", "healthy", "capabilities", "emulated")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    EMULATED_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    healthy: bool
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    emulated: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., healthy: _Optional[bool] = ..., capabilities: _Optional[_Iterable[str]] = ..., emulated: _Optional[_Iterable[str]] = ...) -> None: ...

class AuditStatus(_message.Message):
    __slots__ = ("healthy", "records", "last_write_time")
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    LAST_WRITE_TIME_FIELD_NUMBER: _ClassVar[int]
    healthy: bool
    records: int
    last_write_time: _timestamp_pb2.Timestamp
    def __init__(self, healthy: _Optional[bool] = ..., records: _Optional[int] = ..., last_write_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class CacheStatus(_message.Message):
    __slots__ = ("entries", "bytes", "hits", "misses")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    MISSES_FIELD_NUMBER: _ClassVar[int]
    entries: int
    bytes: int
    hits: int
    misses: int
    def __init__(self, entries: _Optional[int] = ..., bytes: _Optional[int] = ..., hits: _Optional[int] = ..., misses: _Optional[int] = ...) -> None: ...

class CheckAccessRequest(_message.Message):
    __slots__ = ("principal", "action", "name")
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    principal: str
    action: str
    name: str
    def __init__(self, principal: _Optional[str] = ..., action: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class CheckAccessResponse(_message.Message):
    __slots__ = ("allowed", "rule", "nearest_allowing_rule")
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    NEAREST_ALLOWING_RULE_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    rule: str
    nearest_allowing_rule: str
    def __init__(self, allowed: _Optional[bool] = ..., rule: _Optional[str] = ..., nearest_allowing_rule: _Optional[str] = ...) -> None: ...

class VerifyAuditRequest(_message.Message):
    __slots__ = ("from_time",)
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    from_time: _timestamp_pb2.Timestamp
    def __init__(self, from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class VerifyAuditResponse(_message.Message):
    __slots__ = ("intact", "records", "problem")
    INTACT_FIELD_NUMBER: _ClassVar[int]
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    intact: bool
    records: int
    problem: str
    def __init__(self, intact: _Optional[bool] = ..., records: _Optional[int] = ..., problem: _Optional[str] = ...) -> None: ...

class ReloadConfigurationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReloadConfigurationResponse(_message.Message):
    __slots__ = ("needs_restart",)
    NEEDS_RESTART_FIELD_NUMBER: _ClassVar[int]
    needs_restart: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, needs_restart: _Optional[_Iterable[str]] = ...) -> None: ...

class FreezeSecretRequest(_message.Message):
    __slots__ = ("name", "cause")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    name: str
    cause: str
    def __init__(self, name: _Optional[str] = ..., cause: _Optional[str] = ...) -> None: ...

class FreezeSecretResponse(_message.Message):
    __slots__ = ("acknowledged_caches", "pending_caches")
    ACKNOWLEDGED_CACHES_FIELD_NUMBER: _ClassVar[int]
    PENDING_CACHES_FIELD_NUMBER: _ClassVar[int]
    acknowledged_caches: int
    pending_caches: int
    def __init__(self, acknowledged_caches: _Optional[int] = ..., pending_caches: _Optional[int] = ...) -> None: ...

class UnfreezeSecretRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UnfreezeSecretResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListConsumersRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListConsumersResponse(_message.Message):
    __slots__ = ("consumers", "next_page_token")
    CONSUMERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    consumers: _containers.RepeatedCompositeFieldContainer[Consumer]
    next_page_token: str
    def __init__(self, consumers: _Optional[_Iterable[_Union[Consumer, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class Consumer(_message.Message):
    __slots__ = ("principal", "peer", "connect_time", "acknowledged_versions")
    class AcknowledgedVersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    CONNECT_TIME_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    principal: str
    peer: str
    connect_time: _timestamp_pb2.Timestamp
    acknowledged_versions: _containers.ScalarMap[str, int]
    def __init__(self, principal: _Optional[str] = ..., peer: _Optional[str] = ..., connect_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acknowledged_versions: _Optional[_Mapping[str, int]] = ...) -> None: ...
