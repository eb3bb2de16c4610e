"""Whether and when a failed call is made again: the same rules as in the broker's other clients."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .errors import SecretBrokerError, invalid_argument

# Failures that pass by themselves; docs/errors.md says so of each.
_PASSING = frozenset(
    (
        "AUDIT_UNAVAILABLE",
        "BREAKER_OPEN",
        "CALL_CANCELLED",
        "IDENTITY_UNAVAILABLE",
        "MANAGER_QUOTA",
        "MANAGER_TIMEOUT",
        "MANAGER_UNAVAILABLE",
        "RATE_LIMITED",
        "STALE_TOO_OLD",
    )
)

_MOST_ATTEMPTS = 10

# A broken broker is not asked much more often than a whole one: so many retries at once, and one for ten answers.
_BUDGET = 10.0
_REFILL_PER_ANSWER = 0.1


@dataclass(frozen=True)
class RetryOptions:
    """How calls that may be repeated are tried again: those that only read, and changes that carry a `request_id`."""

    attempts: int = 3
    """How often a call is tried at most, 1 to 10; 1 is once only."""
    base_delay: float = 0.1
    """The longest pause before the second attempt, in seconds. It doubles with each one."""
    max_delay: float = 2.0
    """The longest pause of all, unless the broker asks for a longer one, in seconds."""

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= _MOST_ATTEMPTS:
            raise invalid_argument("retry.attempts", f"must be a whole number from 1 to {_MOST_ATTEMPTS}")
        if not 0 <= self.base_delay <= self.max_delay < float("inf"):
            raise invalid_argument("retry.base_delay", "must not be negative, and not be above retry.max_delay")


class RetryPolicy:
    """Decides about retries within a budget for all calls of a client. Thread-safe."""

    def __init__(self, options: RetryOptions, spread: Callable[[], float] = random.random) -> None:
        self._options = options
        self._spread = spread
        self._lock = threading.Lock()
        self._budget = _BUDGET

    def note_answer(self) -> None:
        """A call was answered."""
        with self._lock:
            self._budget = min(self._budget + _REFILL_PER_ANSWER, _BUDGET)

    def delay_after(self, error: SecretBrokerError, attempt: int, remaining: float) -> float | None:
        """How many seconds to wait after so many attempts, where so many are left; None when that was the last."""
        if attempt >= self._options.attempts or error.reason not in _PASSING:
            return None
        if error.retry_after is None:
            longest = min(self._options.base_delay * 2 ** (attempt - 1), self._options.max_delay)
            delay = longest * self._spread()
        else:
            # What the broker asks for is the least; those who were told the same do not come back together.
            delay = error.retry_after * (1 + self._spread() / 10)
        return delay if delay < remaining and self._spend() else None

    def after_fork(self) -> None:
        """A lock that another thread of the parent's held would never be given back."""
        self._lock = threading.Lock()

    def _spend(self) -> bool:
        with self._lock:
            if self._budget < 1:
                return False
            self._budget -= 1
            return True
