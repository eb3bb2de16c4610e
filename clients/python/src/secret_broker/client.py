"""The client for ordinary programs; `secret_broker.aio` has the one for asyncio."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

import grpc

from . import calls
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
from .forks import survive_forks
from .retries import RetryOptions, RetryPolicy
from .store import Store
from .store_state import StoreOptions


class Client:
    """A client of the broker.

    Connects with the first call; may be used from any number of threads; must be closed, as by `with`. A process may be
    forked before the first call; after it gRPC does not promise that the child can make calls. Every method raises
    SecretBrokerError. `timeout` is the call's deadline in seconds, which reaches the manager.
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
        self._store_options = store or StoreOptions()
        self._lock = threading.Lock()
        self._closed = False
        self._retries = RetryPolicy(retry or RetryOptions())
        # Ends the pauses between attempts.
        self._closing = threading.Event()
        self._channel: grpc.Channel | None = None
        self._store: Store | None = None
        self._left_behind: object = None
        survive_forks(self)

    def read(
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
        answer = self.read_unless(ask, timeout=timeout)
        assert isinstance(answer, Secret)  # Only a known version can be not modified.
        return answer

    def read_unless(self, ask: Read, *, timeout: float | None = None) -> ReadAnswer:
        """Reads a secret unless its active version is still `ask.known_version`."""
        return self._run(calls.read(ask), timeout)

    def batch(
        self, reads: Sequence[Read | str], *, atomic: bool = False, timeout: float | None = None
    ) -> BatchResults:
        """Reads up to 1,000 secrets. Each has its own result, in order; a failure is one, and is not raised."""
        return self._run(calls.batch(reads, atomic), timeout)

    def get(self, name: str, *, timeout: float | None = None) -> Secret:
        """The active version, from a store in this process that a watch keeps up to date.

        Asks the broker for a name only the first time and while it is not watched; when the broker cannot be asked,
        what was known before is given for as long as StoreOptions.max_staleness.
        """
        self._connected()
        store = self._store
        assert store is not None
        return store.get(name, timeout)

    def write(
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
        return self._change(call, timeout, name)

    def delete(
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
        return self._change(call, timeout, name)

    def rotate(
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
        return self._change(call, timeout, name, new_name or name)

    def list(
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
        return self._run(call, timeout)

    def list_all(self, prefix: str = "", *, tags: Mapping[str, str] | None = None) -> Iterator[Description]:
        """Lists all secrets, page after page as they are wanted."""
        token: str | None = None
        while token != "":
            page = self.list(prefix, tags=tags, page_token=token)
            yield from page.secrets
            if page.next_page_token == token:
                raise invalid_reply("the same page again")
            token = page.next_page_token

    def describe(self, name: str, *, options: Options | None = None, timeout: float | None = None) -> Described:
        """Describes one secret and its versions, without payloads."""
        return self._run(calls.describe(name, options), timeout)

    def close(self) -> None:
        """Ends the watch and the connection. Idempotent."""
        with self._lock:
            self._closed = True
            self._closing.set()
            channel, store = self._channel, self._store
            self._channel = self._store = None
        if store is not None:
            store.close()
        if channel is not None:
            channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<secret_broker.Client {self._settings.address}>"

    def _change(self, call: Call[Answer], timeout: float | None, *names: str) -> Answer:
        try:
            return self._run(call, timeout)
        finally:
            store = self._store
            for name in names if store is not None else ():
                store.forget(name)  # type: ignore[union-attr]

    def _run(self, call: Call[Answer], timeout: float | None, once: bool = False) -> Answer:
        seconds = self._settings.timeout if timeout is None else timeout
        deadline, attempt = time.monotonic() + seconds, 0
        while True:
            attempt += 1
            try:
                reply = self._send(call, deadline - time.monotonic())
            except SecretBrokerError as error:
                may_repeat = call.is_repeatable and not once and not self._closed
                remaining = deadline - time.monotonic()
                delay = self._retries.delay_after(error, attempt, remaining) if may_repeat else None
                if delay is None or self._closing.wait(delay):
                    raise
            else:
                self._retries.note_answer()
                return call.answer(reply)

    def _send(self, call: Call[Any], seconds: float) -> Any:
        rpc = self._connected().unary_unary(call.rpc.path, call.rpc.serialize, call.rpc.deserialize)
        try:
            return rpc(call.request, timeout=seconds, metadata=self._settings.metadata())
        except grpc.RpcError as error:
            raise from_rpc_error(error) from None

    def _read_for_store(self, name: str, timeout: float | None, once: bool) -> Secret:
        answer = self._run(calls.read(Read(name)), timeout, once)
        assert isinstance(answer, Secret)  # Only a known version can be not modified.
        return answer

    def _connected(self) -> grpc.Channel:
        channel = self._channel
        if channel is not None:
            return channel
        with self._lock:
            if self._closed:
                raise SecretBrokerError(
                    "CALL_CANCELLED", "the client is closed", code=grpc.StatusCode.CANCELLED
                )
            if self._channel is None:
                channel = self._settings.open_channel(grpc)
                self._store = Store(channel, self._settings, self._store_options, self._read_for_store)
                self._channel = channel
            return self._channel

    def after_fork(self) -> None:
        """Channels, threads and locks do not survive a fork; the parent's are kept, but never touched again."""
        self._left_behind = (self._channel, self._store, self._left_behind)
        self._channel = self._store = None
        self._lock = threading.Lock()
        self._retries.after_fork()
        self._closing = threading.Event()
        if self._closed:
            self._closing.set()
