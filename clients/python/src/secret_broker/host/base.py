"""Stands for LiteLLM's base classes where LiteLLM is not installed: the same methods, arguments and defaults."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class BaseSecretManager(ABC):
    """The methods that LiteLLM calls on a secret manager."""

    @abstractmethod
    async def async_read_secret(
        self, secret_name: str, optional_params: dict[str, Any] | None = None, timeout: Any = None
    ) -> str | None:
        """The secret, or None when there is none."""

    @abstractmethod
    def sync_read_secret(
        self, secret_name: str, optional_params: dict[str, Any] | None = None, timeout: Any = None
    ) -> str | None:
        """The secret, or None when there is none, without an event loop."""

    async def async_write_secret(
        self,
        secret_name: str,
        secret_value: str,
        description: str | None = None,
        optional_params: dict[str, Any] | None = None,
        timeout: Any = None,
        tags: dict[str, str] | list[Any] | None = None,
    ) -> dict[str, Any]:
        """Stores a secret."""
        raise NotImplementedError("override async_write_secret() to support writing")

    async def async_delete_secret(
        self,
        secret_name: str,
        recovery_window_in_days: int | None = 7,
        optional_params: dict[str, Any] | None = None,
        timeout: Any = None,
    ) -> dict[str, Any]:
        """Deletes a secret."""
        raise NotImplementedError("override async_delete_secret() to support deleting")

    async def async_rotate_secret(
        self,
        current_secret_name: str,
        new_secret_name: str,
        new_secret_value: str,
        optional_params: dict[str, Any] | None = None,
        timeout: Any = None,
    ) -> dict[str, Any]:
        """Replaces a secret. The broker does this itself for a class that does not override it."""
        raise NotImplementedError("override async_rotate_secret() to support rotating")


class CustomSecretManager(BaseSecretManager):
    """What a user's class derives from."""

    def __init__(self, secret_manager_name: str | None = None, **kwargs: Any) -> None:
        self.secret_manager_name = secret_manager_name or "custom_secret_manager"

    def validate_environment(self) -> bool:
        """Whether what the manager needs is there."""
        return True

    async def async_health_check(self, timeout: Any = None) -> bool:
        """Whether the manager can be asked now."""
        return True

    def __repr__(self) -> str:
        return f"<{type(self).__name__}(name={self.secret_manager_name})>"
