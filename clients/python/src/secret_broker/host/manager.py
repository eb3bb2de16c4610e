"""One user's class, called as LiteLLM would, whether its methods are asynchronous or not."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .shapes import Unsupported, accepted_arguments

# Where the base class's own bodies stand: not those of the user's class.
_BASES = (
    "litellm.integrations.custom_secret_manager",
    "litellm.secret_managers.base_secret_manager",
    "secret_broker.host.base",
)

SYNC_THREADS = 32


class HostedManager:
    """Calls the class's methods: asynchronous ones on the running loop, the others in threads."""

    def __init__(self, manager: Any) -> None:
        self.name: str = type(manager).__name__[:128]
        self._threads = ThreadPoolExecutor(SYNC_THREADS, thread_name_prefix="secret-manager")
        self._methods = {
            name: self._bind(getattr(manager, name))
            for name in (
                "async_read_secret",
                "sync_read_secret",
                "async_write_secret",
                "async_delete_secret",
                "async_rotate_secret",
                "validate_environment",
                "async_health_check",
            )
            if _is_own(type(manager), name)
        }

    @property
    def reads_in_threads(self) -> bool:
        """Whether each read holds one of a bounded number of threads."""
        return "async_read_secret" not in self._methods

    def has(self, method: str) -> bool:
        """Whether the class itself has a method, beyond what the base class brings."""
        return method in self._methods

    async def call(self, method: str, **arguments: Any) -> Any:
        """Calls a method with those of the arguments that it takes. Raises Unsupported for one that is not there."""
        bound = self._methods.get(method)
        if bound is None:
            raise Unsupported(method)
        try:
            return await bound(arguments)
        except NotImplementedError as error:
            raise Unsupported(method) from error

    async def read(self, **arguments: Any) -> Any:
        """Reads asynchronously where the class can, else in a thread."""
        if "async_read_secret" in self._methods:
            try:
                return await self._methods["async_read_secret"](arguments)
            except NotImplementedError:
                if "sync_read_secret" not in self._methods:
                    raise Unsupported("async_read_secret") from None
                del self._methods["async_read_secret"]
        return await self.call("sync_read_secret", **arguments)

    def close(self) -> None:
        """Waits for no thread: a call that hangs must not keep the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _bind(self, method: Callable[..., Any]) -> Callable[[dict[str, Any]], Any]:
        accepted = accepted_arguments(method)
        if inspect.iscoroutinefunction(method):
            return lambda arguments: method(**accepted(arguments))

        async def in_thread(arguments: dict[str, Any]) -> Any:
            context = contextvars.copy_context()
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(self._threads, lambda: context.run(method, **accepted(arguments)))
            return await reply if inspect.isawaitable(reply) else reply

        return in_thread


def _is_own(manager_class: type, name: str) -> bool:
    for each in manager_class.__mro__:
        if name in vars(each):
            return each.__module__ not in _BASES
    return False
