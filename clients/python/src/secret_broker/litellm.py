"""LiteLLM's secrets from the broker.

Beside LiteLLM's config.yaml goes a file of one line, as LiteLLM wants one:

    from secret_broker.litellm import BrokerSecretManager

docs/litellm.md in the broker's repository is the whole way.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

import grpc

from .client import Client
from .connection import settings_from_environment
from .errors import SecretBrokerError, invalid_argument
from .forks import survive_forks
from .in_order import Turns
from .litellm_values import seconds_of, short, tags_of, team_options, timeout_of
from .store import UNREACHABLE
from .store_state import StoreOptions

try:
    from litellm.integrations.custom_secret_manager import CustomSecretManager
except ModuleNotFoundError as error:
    if not (error.name or "").startswith("litellm"):
        raise  # Something that LiteLLM needs.
    try:
        installed = f"{version('litellm')} is installed"
    except PackageNotFoundError:
        installed = "it is not installed"
    raise ImportError(f"secret_broker.litellm needs LiteLLM 1.79.3 or newer; {installed}") from error

Result = TypeVar("Result")

Left = Callable[[], float]
"""How many seconds are left of what all calls of one change may take together."""

_log = logging.getLogger("secret_broker.litellm")

_NOT_TO_BE_READ = ("POLICY_DENIED", "ACCESS_MODE_DENIED")


class _Clients:
    """One client for each environment."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, ...], Client] = {}
        self.lock = threading.Lock()
        survive_forks(self)

    def get(self, options: StoreOptions) -> Client:
        """The one for this environment; the options are those of who asks first."""
        names = sorted(name for name in os.environ if name.startswith("SECRET_BROKER_"))
        key = tuple(f"{name}={os.environ[name]}" for name in names)
        with self.lock:
            if key not in self.made:
                self.made[key] = Client.from_environment(options)
            return self.made[key]

    def after_fork(self) -> None:
        """A lock that another thread of the parent's held would never be given back."""
        self.lock = threading.Lock()


_clients = _Clients()


class BrokerSecretManager(CustomSecretManager):  # type: ignore[misc]
    """A LiteLLM secret manager that asks the broker.

    All it needs stands in the environment, as LiteLLM makes it without arguments: SECRET_BROKER_ADDRESS,
    SECRET_BROKER_TOKEN_FILE and the others that the README lists, and for reads SECRET_BROKER_READ_TIMEOUT and
    SECRET_BROKER_MAX_STALENESS, in seconds. Nothing connects before the first call.
    """

    def __init__(self) -> None:
        super().__init__(secret_manager_name="secret_broker")
        # Bad settings end LiteLLM's start with a message rather than its first request.
        settings_from_environment()
        self._read_timeout = seconds_of("SECRET_BROKER_READ_TIMEOUT", 1.0)
        self._max_staleness = seconds_of("SECRET_BROKER_MAX_STALENESS", 300.0)
        self._shared: Client | None = None
        # LiteLLM asks from tasks that it does not wait for: an alias that is deleted and made again must come last.
        self._turns = Turns()
        self._threads: ThreadPoolExecutor | None = None
        self._threads_pid = 0

    def sync_read_secret(
        self, secret_name: str, optional_params: dict[str, Any] | None = None, timeout: Any = None
    ) -> str | None:
        """The secret; None when there is none. Raises when it may not be read, or nobody can say.

        LiteLLM calls this on its event loop. Only the first read of a name waits for the broker, and not for long;
        from then on the answer comes from the store that a watch feeds.
        """
        return self._read(secret_name, optional_params, short(timeout, self._read_timeout))

    async def async_read_secret(
        self, secret_name: str, optional_params: dict[str, Any] | None = None, timeout: Any = None
    ) -> str | None:
        """The secret as the broker has it now; None when there is none. LiteLLM reads so when it renames a key."""

        def read(client: Client, left: Left) -> str | None:
            options = team_options(optional_params)
            return _text_or_none(lambda: client.read(secret_name, max_staleness=0, options=options, timeout=left()))

        return await self._in_thread(read, timeout, secret_name)

    async def async_write_secret(
        self,
        secret_name: str,
        secret_value: str,
        description: str | None = None,
        optional_params: dict[str, Any] | None = None,
        timeout: Any = None,
        tags: dict[str, Any] | list[Any] | None = None,
    ) -> dict[str, Any]:
        """Stores a secret under its name, over an older one too. Raises when it could not.

        This, and what else is asked for here and not on LiteLLM's event loop, waits for a broker that is away: LiteLLM
        asks after it has answered, and asks only once.
        """

        def write(client: Client, left: Left) -> dict[str, Any]:
            written = client.write(
                secret_name,
                secret_value,
                description=description,
                tags=tags_of(tags),
                options=team_options(optional_params),
                timeout=left(),
            )
            return {"status": "success", "secret_name": secret_name, "version": written.version}

        return await self._in_thread(write, timeout, secret_name)

    async def async_delete_secret(
        self,
        secret_name: str,
        recovery_window_in_days: int | None = 7,
        optional_params: dict[str, Any] | None = None,
        timeout: Any = None,
    ) -> dict[str, Any]:
        """Deletes a secret; one that is not there is a result.

        Raises when the broker cannot be reached. A secret that it refuses to delete is logged and told by the
        status: LiteLLM deletes keys one after the other, and would leave the rest where the first one raises.
        """

        def delete(client: Client, left: Left) -> dict[str, Any]:
            try:
                deleted = client.delete(
                    secret_name,
                    recovery_window_in_days=recovery_window_in_days,
                    options=team_options(optional_params),
                    timeout=left(),
                )
            except SecretBrokerError as error:
                if error.reason in UNREACHABLE:
                    raise
                _log.error("the broker did not delete the secret %r: %s", secret_name, error)
                return {"status": "error", "secret_name": secret_name, "message": str(error)}
            return {"status": deleted.status, "secret_name": secret_name}

        return await self._in_thread(delete, timeout, secret_name)

    async def async_rotate_secret(
        self,
        current_secret_name: str,
        new_secret_name: str,
        new_secret_value: str,
        optional_params: dict[str, Any] | None = None,
        timeout: Any = None,
    ) -> dict[str, Any]:
        """Replaces a secret, under the same name or a new one; the broker never loses it on the way.

        LiteLLM's own way would delete what it has just written when the name stays. A key that was made before keys
        were stored is stored from now on. Raises when the new value is not what is kept afterwards.
        """
        options = team_options(optional_params)

        def rotate(client: Client, left: Left) -> dict[str, Any]:
            new_name = None if new_secret_name == current_secret_name else new_secret_name
            try:
                made = client.rotate(
                    current_secret_name, new_secret_value, new_name=new_name, options=options, timeout=left()
                )
            except SecretBrokerError as error:
                if error.reason not in ("SECRET_NOT_FOUND", "SECRET_DELETED"):
                    raise
                made = client.write(new_secret_name, new_secret_value, options=options, timeout=left())
            _check_kept(client, new_secret_name, new_secret_value, options, left())
            return {"status": "success", "secret_name": new_secret_name, "version": made.version}

        return await self._in_thread(rotate, timeout, current_secret_name, new_secret_name)

    async def async_update_secret_value(
        self,
        secret_name: str,
        secret_value: str,
        optional_params: dict[str, Any] | None = None,
        timeout: Any = None,
    ) -> dict[str, Any]:
        """Replaces a secret under its name: some versions of LiteLLM rotate by this."""
        return await self.async_rotate_secret(secret_name, secret_name, secret_value, optional_params, timeout)

    def validate_environment(self) -> bool:
        """Whether the settings are good and the broker answers."""
        settings_from_environment()
        return _is_there(self._client(), self._read_timeout)

    async def async_health_check(self, timeout: Any = None) -> bool:
        """Whether the broker answers."""
        seconds = timeout_of(timeout) or self._read_timeout
        return await asyncio.to_thread(_is_there, self._client(), seconds)

    def __repr__(self) -> str:
        return "<BrokerSecretManager>"

    def _read(self, name: str, optional_params: Mapping[str, Any] | None, timeout: float) -> str | None:
        client, options = self._client(), team_options(optional_params)
        if options is None:
            return _text_or_none(lambda: client.get(name, timeout=timeout))
        # What a team's options lead to is not what the store holds under the bare name.
        return _text_or_none(lambda: client.read(name, options=options, timeout=timeout))

    def _client(self) -> Client:
        """One client for all instances: LiteLLM makes two."""
        if self._shared is None:
            self._shared = _clients.get(StoreOptions(max_staleness=self._max_staleness, refresh_in_background=True))
        return self._shared

    async def _in_thread(self, work: Callable[[Client, Left], Result], timeout: Any, *names: str) -> Result:
        """Work that waits for the broker, beside the event loop, whichever it is; on names in the order of the calls."""

        def run() -> Result:
            client = self._client()
            seconds = timeout_of(timeout) or client._settings.timeout
            end = time.monotonic() + seconds
            # Nothing has been sent yet, so that waiting is safe for whatever follows. Where it was in vain the call still
            # is made: it fails at once, and says why there is no connection.
            _is_there(client, seconds)
            return work(client, lambda: max(end - time.monotonic(), 0.1))

        if self._threads is None or self._threads_pid != os.getpid():
            self._threads = ThreadPoolExecutor(8, thread_name_prefix="secret-broker")
            self._threads_pid = os.getpid()
        async with self._turns.turn(*names):
            return await asyncio.get_running_loop().run_in_executor(self._threads, run)


def _is_there(client: Client, seconds: float) -> bool:
    """Whether there is a connection to the broker, or will be before so many seconds have passed."""
    ready = grpc.channel_ready_future(client._connected())
    try:
        ready.result(seconds)
    except grpc.FutureTimeoutError:
        ready.cancel()
        return False
    return True


def _check_kept(
    client: Client, name: str, value: str, options: Mapping[str, Any] | None, timeout: float | None
) -> None:
    try:
        kept = client.read(name, max_staleness=0, options=options, timeout=timeout)
    except SecretBrokerError as error:
        if error.reason in _NOT_TO_BE_READ:
            return  # Whoever may only write takes the broker's word.
        raise
    if kept.binary != value.encode():
        raise SecretBrokerError(
            "PAYLOAD_CORRUPT", f"the secret {name!r} is not what was written", code=grpc.StatusCode.DATA_LOSS
        )


def _text_or_none(read: Callable[[], Any]) -> str | None:
    try:
        secret = read()
    except SecretBrokerError as error:
        if error.is_absent:
            return None
        raise
    try:
        text: str = secret.text
    except UnicodeDecodeError:
        raise invalid_argument("name", "is of a secret of bytes, and LiteLLM takes text only") from None
    return text
