"""The store behind `aio.Client.get`: what `store` does with threads, on one event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from ._generated.secretbroker.v1 import watch_pb2 as wire
from .answers import Secret
from .connection import Settings
from .errors import SecretBrokerError, from_rpc_error
from .store import UNREACHABLE, WATCH_PATH, pause_after, refused_name
from .store_state import StoreOptions, StoreState, is_remembered


class AsyncStore:
    """Answers `get` from what it holds; at most one read of a name is under way at a time."""

    def __init__(
        self,
        connected: Callable[[], Any],
        settings: Settings,
        options: StoreOptions,
        read: Callable[[str, float | None, bool], Awaitable[Secret]],
    ) -> None:
        self._connected = connected
        self._settings = settings
        self._options = options
        self._read = read
        self._state = StoreState(options)
        self._closed = False
        self._paused_by: SecretBrokerError | None = None
        self._paused_until = 0.0
        self._reading: dict[str, asyncio.Task[Secret | SecretBrokerError]] = {}
        self._outbox: asyncio.Queue[wire.WatchSecretsRequest] = asyncio.Queue()
        self._watching: asyncio.Task[None] | None = None

    async def get(self, name: str, timeout: float | None) -> Secret:
        """The secret, from the store where it is fresh there. Raises SecretBrokerError."""
        now = time.monotonic()
        answer = self._state.fresh(name, now)
        if answer is None:
            reading = self._reading.get(name)
            if reading is None:
                reading = self._reading[name] = asyncio.create_task(self._ask(name, timeout))
                reading.add_done_callback(lambda _: self._reading.pop(name, None))
            answer = self._state.stale(name, now) if self._options.refresh_in_background else None
            if answer is None:
                # One caller that gives up does not end the read for the others; it has its own deadline.
                answer = await asyncio.shield(reading)
        if isinstance(answer, SecretBrokerError):
            raise answer.again()
        return answer

    def forget(self, name: str) -> None:
        """After a change of the caller's own: the next get asks."""
        self._state.forget(name)

    async def close(self) -> None:
        """Ends the watch and every read, and drops every value."""
        self._closed = True
        running: list[asyncio.Task[Any]] = [*self._reading.values()]
        if self._watching is not None:
            running.append(self._watching)
            self._watching = None
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        self._state.clear()

    async def _ask(self, name: str, timeout: float | None) -> Secret | SecretBrokerError:
        asked = time.monotonic()
        if self._paused_by is not None and asked < self._paused_until:
            return self._state.stale(name, asked) or self._paused_by
        try:
            # Where there is something to fall back on nobody waits for retries.
            once = self._state.stale(name, asked) is not None
            answer: Secret | SecretBrokerError = await self._read(name, timeout, once)
        except SecretBrokerError as error:
            if error.reason in UNREACHABLE:
                self._paused_by, self._paused_until = error, asked + self._options.pause_when_unreachable
                return self._state.stale(name, time.monotonic()) or error
            if not is_remembered(error):
                self._state.forget(name)
                return error
            answer = error
        self._paused_by = None
        subscription = self._state.learn(name, answer, asked)
        if subscription is not None:
            self._outbox.put_nowait(subscription)
            if self._watching is None and not self._closed:
                self._watching = asyncio.create_task(self._watch())
        return answer

    async def _watch(self) -> None:
        failures = 0
        while not self._closed:
            stream = None
            try:
                stream = self._open()
                async for event in stream:
                    failures, self._paused_by = 0, None
                    for ack in self._state.take(event, time.monotonic()):
                        self._outbox.put_nowait(ack)
            except grpc.RpcError as error:
                name = refused_name(from_rpc_error(error))
                if name is not None:
                    self._state.refused(name)
            except Exception:
                pass  # The token cannot be read now, or the client is closed: until it is better, gets ask.
            finally:
                if stream is not None:
                    stream.cancel()
            self._state.ended()
            failures += 1
            await asyncio.sleep(pause_after(failures))

    def _open(self) -> Any:
        outbox: asyncio.Queue[wire.WatchSecretsRequest] = asyncio.Queue()
        self._outbox = outbox
        first = self._state.restart()
        if first is not None:
            outbox.put_nowait(first)

        async def requests() -> AsyncIterator[wire.WatchSecretsRequest]:
            while True:
                yield await outbox.get()

        rpc = self._connected().stream_stream(
            WATCH_PATH, wire.WatchSecretsRequest.SerializeToString, wire.WatchSecretsResponse.FromString
        )
        return rpc(requests(), metadata=self._settings.metadata())
