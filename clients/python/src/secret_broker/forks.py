"""What happens to clients where a process is forked."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """What holds channels, threads or locks, none of which survive a fork."""

    def after_fork(self) -> None:
        """In the child: begins anew, without touching what is the parent's."""


_living: weakref.WeakSet[Forkable] = weakref.WeakSet()


def survive_forks(one: Forkable) -> None:
    """Has it told of each fork, for as long as it lives."""
    _living.add(one)


def _after_fork() -> None:
    for one in list(_living):
        one.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
