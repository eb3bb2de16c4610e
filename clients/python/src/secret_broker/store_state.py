"""What the watch-fed store knows, without any input or output, so that both clients can drive it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from ._generated.secretbroker.v1 import watch_pb2 as wire
from .answers import Secret, secret
from .errors import SecretBrokerError

MAX_NAMES = 10_000
"""The most names one watch takes; what is beyond is read from the broker each time."""

_ABSENT = ("SECRET_NOT_FOUND", "SECRET_DELETED")

# What is remembered besides absence, so that a program that asks for it again and again costs nothing.
_REFUSALS = ("POLICY_DENIED", "ACCESS_MODE_DENIED", "KEY_NOT_HOSTED", "FIELD_INVALID")


def is_remembered(error: SecretBrokerError) -> bool:
    """Whether a failure is an answer about the secret rather than one about the broker."""
    return error.is_absent or error.reason in _REFUSALS


@dataclass
class StoreOptions:
    """How old answers may be, in seconds."""

    fresh_for: float = 30.0
    """For how long an answer that the broker has not confirmed since is given without asking."""
    negative_for: float = 5.0
    """The same for the answer that a secret is absent, while it is not watched."""
    max_staleness: float = 300.0
    """How old an answer may be that is given because the broker cannot be asked."""
    refresh_in_background: bool = False
    """Whether an answer that is not fresh any more, but not too old, is given at once and asked for meanwhile."""
    pause_when_unreachable: float = 5.0
    """For how long, after the broker could not be asked, it is not asked again. A watch that connects ends it."""


@dataclass
class _Entry:
    value: Secret | SecretBrokerError
    confirmed: float
    is_watched: bool = False


@dataclass
class _Subscription:
    """One under way, and the names that its initial set has not told of."""

    names: set[str]
    untold: set[str]


class StoreState:
    """Answers by name, when they were last known to be right, and what the watch has been told. Thread-safe."""

    def __init__(self, options: StoreOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._watched: set[str] = set()
        self._unwatchable: set[str] = set()
        self._pending: deque[_Subscription] = deque()
        # When the watch last told of a name: a read that was asked before says nothing new.
        self._told: dict[str, float] = {}
        self._is_live = False
        self._is_closed = False
        self._last_current: tuple[int, int] | None = None

    def fresh(self, name: str, now: float) -> Secret | SecretBrokerError | None:
        """An answer that needs no question; None when there is none."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None:
                return None
            return entry.value if now - entry.confirmed <= self._bound(entry) else None

    def stale(self, name: str, now: float) -> Secret | SecretBrokerError | None:
        """An answer for when the broker cannot be asked; None when it would be too old."""
        with self._lock:
            entry = self._entries.get(name)
            if entry is None or now - entry.confirmed > self._options.max_staleness:
                return None
            return entry.value

    def knows(self, name: str) -> bool:
        """Whether there is an answer of any age."""
        return name in self._entries

    def learn(self, name: str, value: Secret | SecretBrokerError, asked: float) -> wire.WatchSecretsRequest | None:
        """Takes an answer to a read over that was asked at a time; gives the subscription that follows, if any."""
        with self._lock:
            if name not in self._entries and len(self._entries) >= MAX_NAMES:
                self._make_room(asked)
            is_full = name not in self._entries and len(self._entries) >= MAX_NAMES
            if self._is_closed or is_full or asked <= self._told.get(name, float("-inf")):
                return None
            is_watched = self._is_live and name in self._watched and not self._is_pending(name)
            self._entries[name] = _Entry(value, asked, is_watched)
            is_watchable = isinstance(value, Secret) or value.reason in _ABSENT
            if not is_watchable or name in self._watched or name in self._unwatchable:
                return None
            self._watched.add(name)
            return self._subscription({name})

    def restart(self) -> wire.WatchSecretsRequest | None:
        """The first message of a new watch: everything that was watched, with the versions that are known."""
        with self._lock:
            self._end()
            return self._subscription(set(self._watched)) if self._watched else None

    def take(self, event: wire.WatchSecretsResponse, now: float) -> list[wire.WatchSecretsRequest]:
        """Takes what the watch tells over, and gives what is to be acknowledged."""
        with self._lock:
            if self._is_closed:
                return []
            kind = event.WhichOneof("event")
            if kind == "initial_set":
                return [self._put(secret(each), now) for each in event.initial_set.secrets]
            if kind == "change":
                return [self._put(secret(event.change.secret), now)]
            if kind == "removal":
                # Gone, frozen or not to be read any more: the next read will be told which.
                name = event.removal.name
                self._entries.pop(name, None)
                self._tell(name, now)
                return [_ack(name, 0)]
            if kind == "sync_marker":
                self._synced(now)
            elif kind == "heartbeat":
                self._confirm(event.heartbeat, now)
            return []

    def refused(self, name: str) -> None:
        """A name that may not be watched: from now on it is read again after a while instead."""
        with self._lock:
            self._watched.discard(name)
            self._unwatchable.add(name)

    def ended(self) -> None:
        """The watch has ended; nothing is confirmed by it any more."""
        with self._lock:
            self._end()

    def forget(self, name: str) -> None:
        """After a change of the caller's own: the next get asks."""
        with self._lock:
            self._entries.pop(name, None)

    def clear(self) -> None:
        """Drops every value, and takes no more: a read that is still under way must leave nothing."""
        with self._lock:
            self._is_closed = True
            self._entries.clear()

    def _make_room(self, now: float) -> None:
        """Drops what is too old for any use."""
        bound = self._options.max_staleness
        self._entries = {name: entry for name, entry in self._entries.items() if now - entry.confirmed <= bound}

    def _bound(self, entry: _Entry) -> float:
        if isinstance(entry.value, SecretBrokerError) and not entry.is_watched:
            return min(self._options.negative_for, self._options.fresh_for)
        return self._options.fresh_for

    def _tell(self, name: str, now: float) -> None:
        self._told[name] = now
        for subscription in self._pending:
            subscription.untold.discard(name)

    def _is_pending(self, name: str) -> bool:
        return any(name in subscription.names for subscription in self._pending)

    def _end(self) -> None:
        self._pending.clear()
        self._is_live, self._last_current = False, None
        for entry in self._entries.values():
            entry.is_watched = False

    def _put(self, value: Secret, now: float) -> wire.WatchSecretsRequest:
        self._entries[value.name] = _Entry(value, now, is_watched=True)
        self._tell(value.name, now)
        return _ack(value.name, value.version)

    def _subscription(self, names: set[str]) -> wire.WatchSecretsRequest:
        request = wire.WatchSecretsRequest()
        request.subscribe.names.extend(sorted(names))
        untold = set(names)
        for name in names:
            entry = self._entries.get(name)
            if entry is not None and isinstance(entry.value, Secret) and entry.value.version > 0:
                request.subscribe.known_versions[name] = entry.value.version
                request.subscribe.known_uids[name] = entry.value.uid
                untold.discard(name)
        self._pending.append(_Subscription(names, untold))
        return request

    def _synced(self, now: float) -> None:
        """The initial set is complete: what it did not tell of is absent, whatever was held."""
        done = self._pending.popleft() if self._pending else _Subscription(set(), set())
        for name in done.untold:
            entry = self._entries.get(name)
            if entry is not None and isinstance(entry.value, Secret):
                del self._entries[name]
        self._is_live = True
        for name in done.names:
            entry = self._entries.get(name)
            if entry is not None:
                entry.is_watched, entry.confirmed = True, now

    def _confirm(self, heartbeat: wire.WatchHeartbeat, now: float) -> None:
        current = (heartbeat.current_time.seconds, heartbeat.current_time.nanos)
        if current == self._last_current:
            return  # The broker itself cannot ask the manager: what is held grows old.
        self._last_current = current
        for entry in self._entries.values():
            if entry.is_watched:
                entry.confirmed = now


def _ack(name: str, version: int) -> wire.WatchSecretsRequest:
    request = wire.WatchSecretsRequest()
    request.ack.name, request.ack.version = name, version
    return request
