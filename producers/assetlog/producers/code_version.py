"""Which version of the code runs: the git commit of the checkout that a file lies in, read without starting git."""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any


def code_version_of(function: Any) -> str | None:
    """The commit of the checkout that a function's source lies in; None outside of one, and for installed packages."""
    code = getattr(_plain(function), "__code__", None)
    return None if code is None or code.co_filename.startswith("<") else commit_of(code.co_filename)


_INSTALLED = frozenset({"site-packages", "dist-packages"})


def _plain(function: Any) -> Any:
    """The function behind a partial, or behind an object that is called."""
    while isinstance(function, partial):
        function = function.func
    return function if hasattr(function, "__code__") else getattr(type(function), "__call__", None)  # noqa: B004


@lru_cache(maxsize=1024)
def commit_of(path: str) -> str | None:
    """The commit that is checked out where a file lies. Read once per process: the code that runs is the code that
    was loaded.
    """
    try:
        for parent in Path(path).resolve().parents:
            if parent.name in _INSTALLED:  # a virtual environment in a checkout is none of its code
                return None
            git = parent / ".git"
            if git.exists():
                return _head(_git_directory(git))
    except OSError:
        pass
    return None


def _git_directory(git: Path) -> Path:
    """Where a checkout keeps its state: a linked worktree or submodule has a file that says where."""
    if git.is_dir():
        return git
    said = git.read_text(encoding="utf-8", errors="replace").strip().removeprefix("gitdir:").strip()
    return (git.parent / said).resolve()


def _head(git: Path) -> str | None:
    head = (git / "HEAD").read_text(encoding="utf-8", errors="replace").strip()
    if not head.startswith("ref:"):
        return head or None
    name = head.removeprefix("ref:").strip()
    common = git / "commondir"
    places = [git, (git / common.read_text(encoding="utf-8").strip()).resolve()] if common.exists() else [git]
    for place in places:
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8", errors="replace").strip() or None
        found = _packed(place / "packed-refs", name)
        if found:
            return found
    return None


def _packed(packed: Path, name: str) -> str | None:
    if not packed.is_file():
        return None
    for line in packed.read_text(encoding="utf-8", errors="replace").splitlines():
        commit, _, reference = line.partition(" ")
        if reference == name:
            return commit
    return None
