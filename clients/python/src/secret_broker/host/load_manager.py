"""From a file and the name of a class to a manager that can be served."""

from __future__ import annotations

import inspect
import sys
import traceback
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from .protocol import HostFailure, Reason
from .stand_ins import stand_ins

READS = ("async_read_secret", "sync_read_secret")


def load_manager(file: str, class_name: str) -> Any:
    """Imports the file, finds the class and makes one without arguments, as LiteLLM does.

    Raises HostFailure; what the file or the class raised is printed to standard error.
    """
    module = _import_file(Path(file).resolve())
    try:
        found = getattr(module, class_name)
    except AttributeError:
        raise HostFailure("CLASS_NOT_FOUND", _class_not_found(module, class_name)) from None
    return _construct(found, class_name)


def _import_file(file: Path) -> ModuleType:
    spec = spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise HostFailure("IMPORT_FAILED", f"{file.name} is not a Python file")
    module = module_from_spec(spec)
    # Dataclasses and pickle look a class's module up; files beside it can be imported, but hide nothing installed.
    sys.modules.setdefault(spec.name, module)
    sys.path.append(str(file.parent))
    try:
        with stand_ins():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _failed("IMPORT_FAILED", error) from None
    return module


def _construct(found: object, class_name: str) -> Any:
    if not inspect.isclass(found):
        raise HostFailure("NOT_A_MANAGER", f"{class_name} is not a class")
    if not any(callable(getattr(found, read, None)) for read in READS):
        raise HostFailure("NOT_A_MANAGER", f"{class_name} has neither {READS[0]} nor {READS[1]}")
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise HostFailure("NOT_A_MANAGER", f"{class_name} does not implement {', '.join(missing)}")
    try:
        return found()
    except (Exception, SystemExit) as error:
        raise _failed("CONSTRUCTOR_FAILED", error) from None


def _failed(reason: Reason, error: BaseException) -> HostFailure:
    """What is safe to tell of an exception: its class, and which module was missing. All of it is printed."""
    traceback.print_exception(error, file=sys.stderr)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    return HostFailure(reason, f"{type(error).__name__}{f': {missing}' if missing else ''}")


def _class_not_found(module: ModuleType, class_name: str) -> str:
    own = [
        name
        for name, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and hasattr(value, READS[0])
    ]
    there = f"; there is {', '.join(own[:5])}" if own else ""
    return f"{class_name}{there}"
