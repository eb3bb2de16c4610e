"""The store behind `Client.get`: a watch on a thread feeds it, so that most reads ask nobody."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from ._generated.secretbroker.v1 import watch_pb2 as wire
from .answers import Secret
from .connection import Settings
from .errors import SecretBrokerError, from_rpc_error
from .store_state import StoreOptions, StoreState, is_remembered

WATCH_PATH = "/secretbroker.v1.SecretBroker/WatchSecrets"

# Failures that say nothing about the secret: the answer from before is still the best there is.
UNREACHABLE = (
    "MANAGER_UNAVAILABLE",
    "MANAGER_TIMEOUT",
    "BREAKER_OPEN",
    "AUDIT_UNAVAILABLE",
    "IDENTITY_UNAVAILABLE",
    "RATE_LIMITED",
)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 10.0


def pause_after(failures: int) -> float:
    """How long to wait before a watch is opened again, in seconds."""
    pause: float = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(failures, 10))
    return pause * random.uniform(0.5, 1.0)


def refused_name(error: SecretBrokerError) -> str | None:
    """The name that a watch was refused for."""
    is_refusal = error.reason in ("POLICY_DENIED", "ACCESS_MODE_DENIED", "KEY_NOT_HOSTED", "FIELD_INVALID")
    return error.metadata.get("name") if is_refusal else None


class Store:
    """Answers `get` from what it holds; at most one read of a name is under way at a time."""

    def __init__(
        self,
        channel: grpc.Channel,
        settings: Settings,
        options: StoreOptions,
        read: Callable[[str, float | None, bool], Secret],
    ) -> None:
        self._settings = settings
        self._options = options
        self._read = read
        self._state = StoreState(options)
        self._rpc: Any = channel.stream_stream(
            WATCH_PATH, wire.WatchSecretsRequest.SerializeToString, wire.WatchSecretsResponse.FromString
        )
        self._lock = threading.Lock()
        # Subscriptions are sent in the order in which the state counts on their answers.
        self._sending = threading.Lock()
        self._reading: dict[str, threading.Lock] = {}
        self._outbox: queue.SimpleQueue[wire.WatchSecretsRequest | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._stream: Any = None
        self._refreshing: set[str] = set()
        self._refreshers: ThreadPoolExecutor | None = None
        self._paused_by: SecretBrokerError | None = None
        self._paused_until = 0.0
        self._thread: threading.Thread | None = None

    def get(self, name: str, timeout: float | None) -> Secret:
        """The secret, from the store where it is fresh there. Raises SecretBrokerError."""
        now = time.monotonic()
        answer = self._state.fresh(name, now)
        if answer is None and self._options.refresh_in_background:
            answer = self._state.stale(name, now)
            if answer is not None:
                self._refresh(name, timeout)
        if answer is None:
            with self._single_flight(name):
                answer = self._state.fresh(name, time.monotonic())
                if answer is None:
                    answer = self._ask(name, timeout)
        if isinstance(answer, SecretBrokerError):
            raise answer.again()
        return answer

    def forget(self, name: str) -> None:
        """After a change of the caller's own: the next get asks."""
        self._state.forget(name)

    def close(self) -> None:
        """Ends the watch and drops every value."""
        self._closed.set()
        self._outbox.put(None)
        stream = self._stream
        if stream is not None:
            stream.cancel()
        if self._thread is not None:
            self._thread.join(5)
        if self._refreshers is not None:
            self._refreshers.shutdown(wait=False, cancel_futures=True)
        self._state.clear()

    def _ask(self, name: str, timeout: float | None) -> Secret | SecretBrokerError:
        asked = time.monotonic()
        paused_by = self._paused_by
        if paused_by is not None and asked < self._paused_until:
            return self._state.stale(name, asked) or paused_by
        try:
            # Where there is something to fall back on nobody waits for retries.
            once = self._state.stale(name, asked) is not None
            answer: Secret | SecretBrokerError = self._read(name, timeout, once)
        except SecretBrokerError as error:
            if error.reason in UNREACHABLE:
                self._paused_by, self._paused_until = error, asked + self._options.pause_when_unreachable
                return self._state.stale(name, time.monotonic()) or error
            if not is_remembered(error):
                self._state.forget(name)
                return error
            answer = error
        self._paused_by = None
        with self._sending:
            subscription = self._state.learn(name, answer, asked)
            if subscription is not None:
                self._outbox.put(subscription)
        if subscription is not None:
            self._start()
        return answer

    def _refresh(self, name: str, timeout: float | None) -> None:
        with self._lock:
            if name in self._refreshing or self._closed.is_set():
                return
            self._refreshing.add(name)
            if self._refreshers is None:
                self._refreshers = ThreadPoolExecutor(4, thread_name_prefix="secret-broker-refresh")
            self._refreshers.submit(self._refresh_now, name, timeout)

    def _refresh_now(self, name: str, timeout: float | None) -> None:
        try:
            self._ask(name, timeout)
        finally:
            with self._lock:
                self._refreshing.discard(name)

    def _single_flight(self, name: str) -> threading.Lock:
        with self._lock:
            if len(self._reading) > 20_000:
                self._reading = {key: lock for key, lock in self._reading.items() if lock.locked()}
            return self._reading.setdefault(name, threading.Lock())

    def _start(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._watch, name="secret-broker-watch", daemon=True)
                self._thread.start()

    def _watch(self) -> None:
        failures = 0
        while not self._closed.is_set():
            try:
                for event in self._open():
                    failures, self._paused_by = 0, None
                    for ack in self._state.take(event, time.monotonic()):
                        self._outbox.put(ack)
            except grpc.RpcError as error:
                self._refused(from_rpc_error(error))
            except Exception:
                pass  # The token cannot be read now, or the channel is closed: until it is better, gets ask.
            self._state.ended()
            failures += 1
            self._closed.wait(pause_after(failures))

    def _open(self) -> Iterator[wire.WatchSecretsResponse]:
        outbox: queue.SimpleQueue[wire.WatchSecretsRequest | None] = queue.SimpleQueue()
        with self._sending:
            old, self._outbox = self._outbox, outbox
            old.put(None)  # Ends the sending side of the stream before, if it still runs.
            first = self._state.restart()
            if first is not None:
                outbox.put(first)
        self._stream = self._rpc(iter(outbox.get, None), metadata=self._settings.metadata())
        if self._closed.is_set():
            self._stream.cancel()
        events: Iterator[wire.WatchSecretsResponse] = self._stream
        return events

    def _refused(self, error: SecretBrokerError) -> None:
        name = refused_name(error)
        if name is not None:
            self._state.refused(name)
