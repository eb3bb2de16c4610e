"""secretbroker.manager.v1 over a hosted manager."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import grpc

from .._generated.secretbroker.manager.v1 import secret_manager_pb2 as wire
from .manager import SYNC_THREADS, HostedManager
from .shapes import ManagerFailed, Unsupported, check_status, options_of, payload_of, text_of

PROTOCOL_VERSION = 1

SERVICE = "secretbroker.manager.v1.SecretManager"

Context = Any  # grpc.aio.ServicerContext, whose type grpcio does not ship
Handler = Callable[[Any, Context], Awaitable[Any]]

# What the broker says when the class keeps no versions.
_UNVERSIONED = wire.VersionDescription(version=0, active=True)


class ManagerService:
    """The handlers; each only translates. What the class raises goes to standard error, never over the wire."""

    def __init__(self, manager: HostedManager) -> None:
        self._manager = manager

    def generic_handler(self) -> grpc.GenericRpcHandler:
        """The service for a grpc.aio server; methods that are not here are UNIMPLEMENTED."""
        handlers: dict[str, Handler] = {
            "Handshake": self.handshake,
            "ValidateEnvironment": self.validate_environment,
            "CheckHealth": self.check_health,
            "ReadSecret": self.read_secret,
            "WriteSecret": self.write_secret,
            "DeleteSecret": self.delete_secret,
            "RotateSecret": self.rotate_secret,
        }
        methods = wire.DESCRIPTOR.services_by_name["SecretManager"].methods_by_name
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                name: grpc.unary_unary_rpc_method_handler(
                    self._guarded(name, handler),
                    request_deserializer=getattr(wire, methods[name].input_type.name).FromString,
                    response_serializer=getattr(wire, methods[name].output_type.name).SerializeToString,
                )
                for name, handler in handlers.items()
            },
        )

    async def handshake(self, request: wire.HandshakeRequest, context: Context) -> wire.HandshakeResponse:
        """Agrees on version 1, and tells what the class has beyond reading."""
        if not request.min_protocol_version <= PROTOCOL_VERSION <= request.max_protocol_version:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"this host speaks version {PROTOCOL_VERSION}")
        own = {
            "async_write_secret": wire.CAPABILITY_WRITE,
            "async_delete_secret": wire.CAPABILITY_DELETE,
            "async_rotate_secret": wire.CAPABILITY_ROTATE,
        }
        return wire.HandshakeResponse(
            protocol_version=PROTOCOL_VERSION,
            name=self._manager.name,
            max_concurrent_calls=SYNC_THREADS if self._manager.reads_in_threads else 0,
            capabilities=[capability for method, capability in own.items() if self._manager.has(method)],
        )

    async def validate_environment(self, _request: object, _context: Context) -> wire.ValidateEnvironmentResponse:
        """Asks the class, which LiteLLM itself does not."""
        if not self._manager.has("validate_environment"):
            return wire.ValidateEnvironmentResponse(valid=True)
        try:
            valid = await self._manager.call("validate_environment")
        except Unsupported:
            return wire.ValidateEnvironmentResponse(valid=True)
        except Exception as error:
            traceback.print_exception(error, file=sys.stderr)
            note = f"validate_environment raised {type(error).__name__}; the manager's output has it in full"
            return wire.ValidateEnvironmentResponse(valid=False, notes=[note])
        notes = [] if valid else ["validate_environment returned a false value"]
        return wire.ValidateEnvironmentResponse(valid=bool(valid), notes=notes)

    async def check_health(self, _request: object, context: Context) -> wire.CheckHealthResponse:
        """Asks the class where it has a check of its own."""
        if not self._manager.has("async_health_check"):
            return wire.CheckHealthResponse(healthy=True)
        try:
            healthy = await self._manager.call("async_health_check", timeout=context.time_remaining())
        except Unsupported:
            return wire.CheckHealthResponse(healthy=True)
        except Exception as error:
            traceback.print_exception(error, file=sys.stderr)
            healthy = False
        return wire.CheckHealthResponse(healthy=bool(healthy))

    async def read_secret(self, request: wire.ReadSecretRequest, context: Context) -> wire.ReadSecretResponse:
        """None is confirmed absent; everything else that is not text or bytes is a failure."""
        if request.HasField("version"):
            raise Unsupported("versions")
        value = await self._read(request.name, request.call, context)
        if value is None:
            await _abort_absent(context)
        return wire.ReadSecretResponse(name=request.name, payload=payload_of(value), version=_UNVERSIONED)

    async def write_secret(self, request: wire.WriteSecretRequest, context: Context) -> wire.WriteSecretResponse:
        """Writes text; a reply that says error is a failure, which LiteLLM itself overlooks."""
        if request.HasField("expected_version") or request.HasField("expire_time") or not request.activate:
            raise Unsupported("preconditions, expiry, or versions that are not active")
        reply = await self._manager.call(
            "async_write_secret",
            secret_name=request.name,
            secret_value=text_of(request.payload),
            description=request.description if request.HasField("description") else None,
            optional_params=options_of(request.call),
            timeout=context.time_remaining(),
            tags=dict(request.tags) or None,
        )
        check_status(reply)
        return wire.WriteSecretResponse(version=_UNVERSIONED)

    async def delete_secret(self, request: wire.DeleteSecretRequest, context: Context) -> wire.DeleteSecretResponse:
        """A reply of not_found is a result."""
        if request.HasField("expected_version"):
            raise Unsupported("preconditions")
        reply = await self._manager.call(
            "async_delete_secret",
            secret_name=request.name,
            recovery_window_in_days=request.recovery_window_in_days,
            optional_params=options_of(request.call),
            timeout=context.time_remaining(),
        )
        return wire.DeleteSecretResponse(deleted=check_status(reply) != "not_found")

    async def rotate_secret(self, request: wire.RotateSecretRequest, context: Context) -> wire.RotateSecretResponse:
        """Only for a class with a rotation of its own; the base class's would delete what it has written."""
        if request.HasField("grace_period"):
            raise Unsupported("a grace period")
        if await self._read(request.name, request.call, context) is None:
            await _abort_absent(context)
        if request.new_name != request.name and await self._read(request.new_name, request.call, context) is not None:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, "the new name exists")
        reply = await self._manager.call(
            "async_rotate_secret",
            current_secret_name=request.name,
            new_secret_name=request.new_name,
            new_secret_value=text_of(request.payload),
            optional_params=options_of(request.call),
            timeout=context.time_remaining(),
        )
        check_status(reply)
        return wire.RotateSecretResponse(version=_UNVERSIONED)

    async def _read(self, name: str, call: wire.CallContext, context: Context) -> Any:
        return await self._manager.read(
            secret_name=name, optional_params=options_of(call), timeout=context.time_remaining()
        )

    def _guarded(self, rpc: str, handler: Handler) -> Handler:
        async def guarded(request: Any, context: Context) -> Any:
            try:
                return await handler(request, context)
            except grpc.aio.AbortError:
                raise
            except Unsupported as error:
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{self._manager.name} does not support {error}")
            except Exception as error:
                await _abort_failed(rpc, request, context, error)

        return guarded


async def _abort_absent(context: Context) -> NoReturn:
    await context.abort(grpc.StatusCode.NOT_FOUND, "no such secret")
    raise AssertionError("abort does not return")


async def _abort_failed(rpc: str, request: Any, context: Context, error: Exception) -> None:
    call = getattr(request, "call", None)
    print(f"{rpc} failed, request {call.request_id if call else ''}", file=sys.stderr)
    if isinstance(error, ManagerFailed):
        print(error, file=sys.stderr)
    else:
        traceback.print_exception(error, file=sys.stderr)
    sys.stderr.flush()
    # Python 3.10 has two of them; httpx and others have their own.
    late = isinstance(error, (TimeoutError, asyncio.TimeoutError)) or type(error).__name__ == "TimeoutException"
    code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.INTERNAL
    await context.abort(code, f"the manager failed with {type(error).__name__}; its output has it in full")
