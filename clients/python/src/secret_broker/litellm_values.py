"""What LiteLLM hands over, as the broker's client takes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .errors import invalid_argument

# What get_secret hands over on every read is a dump of LiteLLM's own settings: these stand in each of them.
_SETTINGS = ("access_mode", "custom_secret_manager")


def team_options(optional_params: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A team's own settings, for the broker to bind and the manager to use; never LiteLLM's settings."""
    if not optional_params or all(name in optional_params for name in _SETTINGS):
        return None
    return optional_params


def tags_of(tags: Mapping[str, Any] | list[Any] | None) -> dict[str, str] | None:
    """Tags as a mapping, also from the list of Key and Value that AWS takes."""
    if not tags:
        return None
    if isinstance(tags, Mapping):
        return {str(key): str(value) for key, value in tags.items()}
    try:
        return {str(tag["Key"]): str(tag["Value"]) for tag in tags}
    except (TypeError, KeyError):
        raise invalid_argument("tags", "must be a mapping, or a list of mappings with Key and Value") from None


def timeout_of(timeout: Any) -> float | None:
    """Seconds, from a number or an httpx.Timeout; None for the client's own."""
    value = getattr(timeout, "read", timeout)
    return float(value) if isinstance(value, (int, float)) and value > 0 else None


def short(timeout: Any, longest: float) -> float:
    """The same, but never longer than that."""
    return min(timeout_of(timeout) or longest, longest)


def seconds_of(variable: str, default: float) -> float:
    """A number of seconds from the environment. Raises SecretBrokerError, FIELD_INVALID."""
    text = os.environ.get(variable)
    try:
        seconds = float(text) if text else default
    except ValueError:
        seconds = -1.0
    if not 0 < seconds < float("inf"):
        raise invalid_argument(variable, "must be a number of seconds above 0")
    return seconds
