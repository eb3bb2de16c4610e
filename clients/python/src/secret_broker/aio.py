"""The client for asyncio: the same as `secret_broker.Client`, with coroutines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

import grpc

from . import calls
from .aio_store import AsyncStore
from .answers import BatchResults, Deleted, Described, Description, Page, Payload, ReadAnswer, Secret, Version
from .calls import Answer, Call, Options, Read
from .connection import (
    DEFAULT_ADDRESS,
    DEFAULT_TIMEOUT,
    Settings,
    Tls,
    Token,
    create_settings,
    settings_from_environment,
)
from .errors import SecretBrokerError, from_rpc_error, invalid_reply
from .retries import RetryOptions, RetryPolicy
from .store_state import StoreOptions


class Client:
    """A client of the broker for one event loop: the one its first call runs on.

    Connects with the first call; must be closed, as by `async with`. Every method raises SecretBrokerError. `timeout`
    is the call's deadline in seconds, which reaches the manager; cancelling the coroutine cancels the call.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        tls: Tls | None = None,
        token: Token = None,
        timeout: float = DEFAULT_TIMEOUT,
        store: StoreOptions | None = None,
        retry: RetryOptions | None = None,
    ) -> None:
        """`address` is HOST:PORT or unix:PATH; without `tls` it must be on this machine."""
        self._set_up(create_settings(address, tls, token, timeout), store, retry)

    @classmethod
    def from_environment(cls, store: StoreOptions | None = None, retry: RetryOptions | None = None) -> Client:
        """From SECRET_BROKER_ADDRESS, SECRET_BROKER_TOKEN_FILE and the others that the README lists."""
        client = cls.__new__(cls)
        client._set_up(settings_from_environment(), store, retry)
        return client

    def _set_up(self, settings: Settings, store: StoreOptions | None, retry: RetryOptions | None) -> None:
        self._settings = settings
        self._closed = False
        self._channel: Any = None
        self._retries = RetryPolicy(retry or RetryOptions())
        self._store = AsyncStore(self._connected, settings, store or StoreOptions(), self._read_for_store)

    async def read(
        self,
        name: str,
        *,
        version: int | None = None,
        field: str | None = None,
        max_staleness: float | None = None,
        options: Options | None = None,
        timeout: float | None = None,
    ) -> Secret:
        """Reads one version of one secret, the active one unless another is asked for."""
        ask = Read(name, version=version, field=field, max_staleness=max_staleness, options=options)
        answer = await self.read_unless(ask, timeout=timeout)
        assert isinstance(answer, Secret)  # Only a known version can be not modified.
        return answer

    async def read_unless(self, ask: Read, *, timeout: float | None = None) -> ReadAnswer:
        """Reads a secret unless its active version is still `ask.known_version`."""
        return await self._run(calls.read(ask), timeout)

    async def batch(
        self, reads: Sequence[Read | str], *, atomic: bool = False, timeout: float | None = None
    ) -> BatchResults:
        """Reads up to 1,000 secrets. Each has its own result, in order; a failure is one, and is not raised."""
        return await self._run(calls.batch(reads, atomic), timeout)

    async def get(self, name: str, *, timeout: float | None = None) -> Secret:
        """The active version, from a store in this process that a watch keeps up to date; see the other client's."""
        return await self._store.get(name, timeout)

    async def write(
        self,
        name: str,
        payload: Payload,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        expected_version: int | None = None,
        request_id: str | None = None,
        expire_time: datetime | None = None,
        activate: bool | None = None,
        options: Options | None = None,
        timeout: float | None = None,
    ) -> Version:
        """Writes a new version and, unless told otherwise, makes it the active one."""
        call = calls.write(
            name,
            payload,
            expire_time,
            description=description,
            tags=tags,
            expected_version=expected_version,
            request_id=request_id,
            activate=activate,
            options=options,
        )
        return await self._change(call, timeout, name)

    async def delete(
        self,
        name: str,
        *,
        recovery_window_in_days: int | None = None,
        expected_version: int | None = None,
        must_exist: bool = False,
        request_id: str | None = None,
        options: Options | None = None,
        timeout: float | None = None,
    ) -> Deleted:
        """Deletes a secret; an absent name is a result unless it must exist."""
        call = calls.delete(
            name=name,
            recovery_window_in_days=recovery_window_in_days,
            expected_version=expected_version,
            must_exist=must_exist,
            request_id=request_id,
            options=options,
        )
        return await self._change(call, timeout, name)

    async def rotate(
        self,
        name: str,
        payload: Payload,
        *,
        new_name: str | None = None,
        grace_period: float | None = None,
        options: Options | None = None,
        timeout: float | None = None,
    ) -> Version:
        """Replaces a payload, under the same name or a new one; it is never lost on the way."""
        call = calls.rotate(name, payload, grace_period, new_name=new_name, options=options)
        return await self._change(call, timeout, name, new_name or name)

    async def list(
        self,
        prefix: str = "",
        *,
        tags: Mapping[str, str] | None = None,
        show_deleted: bool = False,
        page_size: int | None = None,
        page_token: str | None = None,
        options: Options | None = None,
        timeout: float | None = None,
    ) -> Page:
        """Lists a page of secrets in the order of their names, without payloads."""
        call = calls.list_page(
            prefix=prefix,
            tags=tags,
            show_deleted=show_deleted,
            page_size=page_size,
            page_token=page_token,
            options=options,
        )
        return await self._run(call, timeout)

    async def list_all(self, prefix: str = "", *, tags: Mapping[str, str] | None = None) -> AsyncIterator[Description]:
        """Lists all secrets, page after page as they are wanted."""
        token: str | None = None
        while token != "":
            page = await self.list(prefix, tags=tags, page_token=token)
            for each in page.secrets:
                yield each
            if page.next_page_token == token:
                raise invalid_reply("the same page again")
            token = page.next_page_token

    async def describe(self, name: str, *, options: Options | None = None, timeout: float | None = None) -> Described:
        """Describes one secret and its versions, without payloads."""
        return await self._run(calls.describe(name, options), timeout)

    async def close(self) -> None:
        """Ends the watch and the connection. Idempotent."""
        self._closed = True
        await self._store.close()
        if self._channel is not None:
            await self._channel.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<secret_broker.aio.Client {self._settings.address}>"

    async def _change(self, call: Call[Answer], timeout: float | None, *names: str) -> Answer:
        try:
            return await self._run(call, timeout)
        finally:
            for name in names:
                self._store.forget(name)

    async def _run(self, call: Call[Answer], timeout: float | None, once: bool = False) -> Answer:
        seconds = self._settings.timeout if timeout is None else timeout
        deadline, attempt = time.monotonic() + seconds, 0
        while True:
            attempt += 1
            try:
                reply = await self._send(call, deadline - time.monotonic())
            except SecretBrokerError as error:
                may_repeat = call.is_repeatable and not once and not self._closed
                remaining = deadline - time.monotonic()
                delay = self._retries.delay_after(error, attempt, remaining) if may_repeat else None
                if delay is None:
                    raise
            else:
                self._retries.note_answer()
                return call.answer(reply)
            await asyncio.sleep(delay)

    async def _send(self, call: Call[Any], seconds: float) -> Any:
        rpc = self._connected().unary_unary(call.rpc.path, call.rpc.serialize, call.rpc.deserialize)
        try:
            return await rpc(call.request, timeout=seconds, metadata=self._settings.metadata())
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None

    async def _read_for_store(self, name: str, timeout: float | None, once: bool) -> Secret:
        answer = await self._run(calls.read(Read(name)), timeout, once)
        assert isinstance(answer, Secret)  # Only a known version can be not modified.
        return answer

    def _connected(self) -> Any:
        if self._closed:
            raise SecretBrokerError("CALL_CANCELLED", "the client is closed", code=grpc.StatusCode.CANCELLED)
        if self._channel is None:
            self._channel = self._settings.open_channel(grpc.aio)
        return self._channel
