import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from secret_broker._generated.secretbroker.v1 import secret_pb2 as _secret_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WatchSecretsRequest(_message.Message):
    __slots__ = ("subscribe", "unsubscribe", "ack", "nack")
    SUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    UNSUBSCRIBE_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    NACK_FIELD_NUMBER: _ClassVar[int]
    subscribe: WatchSubscribe
    unsubscribe: WatchUnsubscribe
    ack: WatchAck
    nack: WatchNack
    def __init__(self, subscribe: _Optional[_Union[WatchSubscribe, _Mapping]] = ..., unsubscribe: _Optional[_Union[WatchUnsubscribe, _Mapping]] = ..., ack: _Optional[_Union[WatchAck, _Mapping]] = ..., nack: _Optional[_Union[WatchNack, _Mapping]] = ...) -> None: ...

class WatchSubscribe(_message.Message):
    __slots__ = ("names", "prefixes", "known_versions", "resume_revision", "known_uids")
    class KnownVersionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class KnownUidsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAMES_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    KNOWN_VERSIONS_FIELD_NUMBER: _ClassVar[int]
    RESUME_REVISION_FIELD_NUMBER: _ClassVar[int]
    KNOWN_UIDS_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    prefixes: _containers.RepeatedScalarFieldContainer[str]
    known_versions: _containers.ScalarMap[str, int]
    resume_revision: int
    known_uids: _containers.ScalarMap[str, str]
    def __init__(self, names: _Optional[_Iterable[str]] = ..., prefixes: _Optional[_Iterable[str]] = ..., known_versions: _Optional[_Mapping[str, int]] = ..., resume_revision: _Optional[int] = ..., known_uids: _Optional[_Mapping[str, str]] = ...) -> None: ...

class WatchUnsubscribe(_message.Message):
    __slots__ = ("names", "prefixes")
    NAMES_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    prefixes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ..., prefixes: _Optional[_Iterable[str]] = ...) -> None: ...

class WatchAck(_message.Message):
    __slots__ = ("name", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class WatchNack(_message.Message):
    __slots__ = ("name", "version", "status")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    status: _status_pb2.Status
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class WatchSecretsResponse(_message.Message):
    __slots__ = ("initial_set", "change", "removal", "sync_marker", "heartbeat")
    INITIAL_SET_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    REMOVAL_FIELD_NUMBER: _ClassVar[int]
    SYNC_MARKER_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    initial_set: WatchInitialSet
    change: WatchChange
    removal: WatchRemoval
    sync_marker: WatchSyncMarker
    heartbeat: WatchHeartbeat
    def __init__(self, initial_set: _Optional[_Union[WatchInitialSet, _Mapping]] = ..., change: _Optional[_Union[WatchChange, _Mapping]] = ..., removal: _Optional[_Union[WatchRemoval, _Mapping]] = ..., sync_marker: _Optional[_Union[WatchSyncMarker, _Mapping]] = ..., heartbeat: _Optional[_Union[WatchHeartbeat, _Mapping]] = ...) -> None: ...

class WatchInitialSet(_message.Message):
    __slots__ = ("secrets",)
    SECRETS_FIELD_NUMBER: _ClassVar[int]
    secrets: _containers.RepeatedCompositeFieldContainer[_secret_pb2.Secret]
    def __init__(self, secrets: _Optional[_Iterable[_Union[_secret_pb2.Secret, _Mapping]]] = ...) -> None: ...

class WatchChange(_message.Message):
    __slots__ = ("secret", "revision")
    SECRET_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    secret: _secret_pb2.Secret
    revision: int
    def __init__(self, secret: _Optional[_Union[_secret_pb2.Secret, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class WatchRemoval(_message.Message):
    __slots__ = ("name", "uid", "revision")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    name: str
    uid: str
    revision: int
    def __init__(self, name: _Optional[str] = ..., uid: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class WatchSyncMarker(_message.Message):
    __slots__ = ("revision", "poll_interval")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    POLL_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    revision: int
    poll_interval: _duration_pb2.Duration
    def __init__(self, revision: _Optional[int] = ..., poll_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class WatchHeartbeat(_message.Message):
    __slots__ = ("current_time", "revision")
    CURRENT_TIME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    current_time: _timestamp_pb2.Timestamp
    revision: int
    def __init__(self, current_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...
