from google.protobuf import struct_pb2 as _struct_pb2
from google.rpc import status_pb2 as _status_pb2
from secret_broker._generated.secretbroker.v1 import secret_pb2 as _secret_pb2
from secret_broker._generated.secretbroker.v1 import secret_broker_pb2 as _secret_broker_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoreVirtualKeyRequest(_message.Message):
    __slots__ = ("alias", "key", "team_id", "options")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    TEAM_ID_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    alias: str
    key: str
    team_id: str
    options: _struct_pb2.Struct
    def __init__(self, alias: _Optional[str] = ..., key: _Optional[str] = ..., team_id: _Optional[str] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class StoreVirtualKeyResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: _secret_pb2.SecretVersion
    def __init__(self, version: _Optional[_Union[_secret_pb2.SecretVersion, _Mapping]] = ...) -> None: ...

class RotateVirtualKeyRequest(_message.Message):
    __slots__ = ("alias", "new_alias", "key", "options")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    NEW_ALIAS_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    alias: str
    new_alias: str
    key: str
    options: _struct_pb2.Struct
    def __init__(self, alias: _Optional[str] = ..., new_alias: _Optional[str] = ..., key: _Optional[str] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RotateVirtualKeyResponse(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: _secret_pb2.SecretVersion
    def __init__(self, version: _Optional[_Union[_secret_pb2.SecretVersion, _Mapping]] = ...) -> None: ...

class DeleteVirtualKeysRequest(_message.Message):
    __slots__ = ("aliases", "options")
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    aliases: _containers.RepeatedScalarFieldContainer[str]
    options: _struct_pb2.Struct
    def __init__(self, aliases: _Optional[_Iterable[str]] = ..., options: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DeleteVirtualKeysResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[DeleteVirtualKeysResult]
    def __init__(self, results: _Optional[_Iterable[_Union[DeleteVirtualKeysResult, _Mapping]]] = ...) -> None: ...

class DeleteVirtualKeysResult(_message.Message):
    __slots__ = ("alias", "deletion", "error")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    DELETION_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    alias: str
    deletion: _secret_broker_pb2.DeleteSecretResponse
    error: _status_pb2.Status
    def __init__(self, alias: _Optional[str] = ..., deletion: _Optional[_Union[_secret_broker_pb2.DeleteSecretResponse, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...
