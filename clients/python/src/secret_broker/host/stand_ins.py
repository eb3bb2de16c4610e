"""Lets a manager's file import LiteLLM's base class, and httpx for its annotations, where they are not installed."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from .base import BaseSecretManager, CustomSecretManager


def _fill_logging(module: ModuleType) -> None:
    for name in ("verbose_logger", "verbose_proxy_logger", "verbose_router_logger"):
        setattr(module, name, logging.getLogger(f"LiteLLM {name}"))


def _fill_custom(module: ModuleType) -> None:
    vars(module).update(CustomSecretManager=CustomSecretManager)


def _fill_base(module: ModuleType) -> None:
    vars(module).update(BaseSecretManager=BaseSecretManager)


def _fill_httpx(module: ModuleType) -> None:
    vars(module).update(Timeout=type("Timeout", (), {"__module__": "httpx"}))
    vars(module).update(__getattr__=_no_httpx)


def _no_httpx(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError("the package httpx is not installed; only httpx.Timeout is there without it", name="httpx")


def _fill_nothing(module: ModuleType) -> None:
    pass


_LITELLM: dict[str, Callable[[ModuleType], None]] = {
    "litellm": _fill_nothing,
    "litellm._logging": _fill_logging,
    "litellm.integrations": _fill_nothing,
    "litellm.integrations.custom_secret_manager": _fill_custom,
    "litellm.secret_managers": _fill_nothing,
    "litellm.secret_managers.base_secret_manager": _fill_base,
}


class _StandIns(MetaPathFinder, Loader):
    """Finds the stand-ins; comes last, so what is installed goes before it."""

    def __init__(self, fillers: dict[str, Callable[[ModuleType], None]]) -> None:
        self._fillers = fillers

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A stand-in's place, for the names there are."""
        if fullname not in self._fillers:
            return None
        return ModuleSpec(fullname, self, origin="secret_broker stand-in", is_package=self._is_package(fullname))

    def exec_module(self, module: ModuleType) -> None:
        """Gives a stand-in what it holds."""
        self._fillers[module.__name__](module)

    def _is_package(self, fullname: str) -> bool:
        return any(name.startswith(f"{fullname}.") for name in self._fillers)


@contextmanager
def stand_ins() -> Iterator[None]:
    """While a manager's file is imported: LiteLLM's stand-in stays afterwards, that of httpx goes.

    A stand-in for httpx that stayed could mislead a library that looks for httpx only when it is used.
    """
    if find_spec("litellm") is None:
        sys.meta_path.append(_StandIns(_LITELLM))
    # LiteLLM asks the internet for the prices of models when it is imported; a manager needs none.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    if find_spec("httpx") is not None:
        yield
        return
    finder = _StandIns({"httpx": _fill_httpx})
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        sys.modules.pop("httpx", None)
