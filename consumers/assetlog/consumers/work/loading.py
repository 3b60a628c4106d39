"""Importing the module that a worker runs."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

from assetlog.producers.values import error_text
from assetlog.schemas.errors import Invalid


def load_module(target: str) -> str:
    """Import a module, a package with its modules, or a file; the module's name.

    Args:
        target: a dotted name, found from the working directory on, or a path that ends in `.py`.

    Raises:
        Invalid: there is none, its name is taken, or it can't be imported; the cause is the error it raised.
    """
    if target.endswith(".py"):
        return _load_file(Path(target))
    if target in sys.modules:
        return _imported(target)
    _look_in(Path.cwd())
    try:
        found = importlib.util.find_spec(target)
    except (ImportError, ValueError):
        found = None
    if found is None:
        raise _invalid(
            target, "there is no such module", "Name a module that Python finds here, or a file: pipeline.py."
        )
    return _imported(target)


def _load_file(path: Path) -> str:
    path = path.expanduser().resolve()
    if not path.is_file():
        raise _invalid(str(path), "there is no such file", "Name a file that is there.")
    known = sys.modules.get(path.stem)
    taken = known is not None and getattr(known, "__file__", None) != str(path)
    if taken or not path.stem.isidentifier():
        raise _invalid(
            str(path), f"{path.stem!r} is another module, or no module's name", "Give the file another name."
        )
    _look_in(path.parent)
    return _imported(path.stem)


def _imported(name: str) -> str:
    try:
        module = importlib.import_module(name)
        for inner in _modules_of(module):
            importlib.import_module(inner)
    except (Exception, SystemExit) as error:
        raise _invalid(name, f"it can't be imported: {error_text(error)}", "--debug shows where.") from error
    return name


def _modules_of(module: ModuleType) -> list[str]:
    """The modules of a package, but for those that run at import."""
    if not hasattr(module, "__path__"):
        return []
    found = pkgutil.walk_packages(module.__path__, f"{module.__name__}.")
    return [info.name for info in found if not info.name.endswith(".__main__")]


def _look_in(directory: Path) -> None:
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def _invalid(target: str, rule: str, hint: str) -> Invalid:
    return Invalid(
        f"{target} is nothing to work on: {rule}.",
        code="module-not-loaded",
        field="module",
        value=target,
        rule="a worker runs a module, a package, or a .py file",
        hint=hint,
    )
