"""Calls about one name, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary


class Turns:
    """Lets what is about a name begin when all that was asked about it before has ended; other names do not wait.

    What is given up while it waits or runs lets the next begin.
    """

    def __init__(self) -> None:
        self._last: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Future[None]]] = WeakKeyDictionary()

    @asynccontextmanager
    async def turn(self, *names: str) -> AsyncIterator[None]:
        """The turn for some names; it is taken where this is entered, before anything is waited for."""
        loop = asyncio.get_running_loop()
        last = self._last.setdefault(loop, {})
        earlier = {last[name] for name in names if name in last}
        ended = loop.create_future()
        for name in names:
            last[name] = ended
        try:
            if earlier:
                await asyncio.wait(earlier)
            yield
        finally:
            ended.set_result(None)
            for name in names:
                if last.get(name) is ended:
                    del last[name]
