"""Managers with every shape the host has to serve, and those it has to refuse."""

import asyncio
import os
import sys
import time

from litellm.integrations.custom_secret_manager import CustomSecretManager

print("printed while imported")


class Whole(CustomSecretManager):
    """Everything there is, with the replies of LiteLLM's cookbook. Some names make it misbehave."""

    def __init__(self):
        super().__init__(secret_manager_name="whole")
        self.held = {}
        self.calls = []
        self.cancelled = asyncio.Event()

    async def async_read_secret(self, secret_name, optional_params=None, timeout=None):
        print(f"ALL SECRETS={self.held}")
        os.write(1, b"written past Python\n")
        if secret_name == "RAISES":
            raise RuntimeError("text-of-the-exception")
        if secret_name == "LATE":
            raise asyncio.TimeoutError()
        if secret_name == "DICT":
            return {"value": "x"}
        if secret_name == "SURROGATE":
            return "\ud800"
        if secret_name == "BYTES":
            return b"\x00\xff"
        if secret_name == "EMPTY":
            return ""
        if secret_name == "OPTIONS":
            return f"{sorted((optional_params or {}).items())} {0 < (timeout or 0) <= 21}"
        if secret_name == "SLOW":
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        if secret_name == "WAS_CANCELLED":
            await asyncio.wait_for(self.cancelled.wait(), 15)
            return "yes"
        return self.held.get(secret_name)

    def sync_read_secret(self, secret_name, optional_params=None, timeout=None):
        return "read the wrong way"

    async def async_write_secret(
        self, secret_name, secret_value, description=None, optional_params=None, timeout=None, tags=None
    ):
        if secret_name == "NOT_IMPLEMENTED":
            raise NotImplementedError
        if secret_name in ("error", "not_supported"):
            return {"status": secret_name, "message": "text-of-the-reply"}
        self.held[secret_name] = secret_value
        self.held["WRITTEN"] = repr((description, optional_params, tags))
        return {"status": "success", "secret_name": secret_name, "description": description}

    async def async_delete_secret(
        self, secret_name, recovery_window_in_days=7, optional_params=None, timeout=None
    ):
        self.held["WINDOW"] = repr(recovery_window_in_days)
        if self.held.pop(secret_name, None) is None:
            return {"status": "not_found", "secret_name": secret_name}
        return {"status": "deleted", "secret_name": secret_name}

    async def async_health_check(self, timeout=None):
        return "UNHEALTHY" not in self.held


class Rotating(Whole):
    async def async_rotate_secret(
        self, current_secret_name, new_secret_name, new_secret_value, optional_params=None, timeout=None
    ):
        self.held.pop(current_secret_name)
        self.held[new_secret_name] = new_secret_value
        return {"status": "success"}


class OnlySync:
    """No base class, no asynchronous method, no newer arguments."""

    def sync_read_secret(self, secret_name):
        if secret_name == "SLOW":
            time.sleep(60)
        return f"{secret_name} in a thread"

    def async_write_secret(self, secret_name, secret_value, **kwargs):
        return None

    def validate_environment(self):
        raise ValueError("text-of-the-exception")


class AsyncNotImplemented(CustomSecretManager):
    async def async_read_secret(self, secret_name, optional_params=None, timeout=None):
        raise NotImplementedError

    def sync_read_secret(self, secret_name, optional_params=None, timeout=None):
        return "read the other way"

    def validate_environment(self):
        return False


class HoldsTheLoop(CustomSecretManager):
    async def async_read_secret(self, secret_name, optional_params=None, timeout=None):
        time.sleep(60)

    def sync_read_secret(self, secret_name, optional_params=None, timeout=None):
        return None


class Unfinished(CustomSecretManager):
    def sync_read_secret(self, secret_name, optional_params=None, timeout=None):
        return None


class Raises(CustomSecretManager):
    def __init__(self):
        print("text-of-the-constructor", file=sys.stderr)
        raise ValueError("text-of-the-exception")

    async def async_read_secret(self, secret_name, optional_params=None, timeout=None):
        return None

    def sync_read_secret(self, secret_name, optional_params=None, timeout=None):
        return None


class NoManager:
    pass


function = len
