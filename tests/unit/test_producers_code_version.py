"""The version of the code that writes: a git commit, read from every shape a checkout may have, without git."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from assetlog.producers.code_version import code_version_of, commit_of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "fedcba9876543210fedcba9876543210fedcba98"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout on a branch whose commit lies in a file of its own."""
    git = tmp_path / "project" / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs/heads/main").write_text(COMMIT + "\n")
    (git.parent / "pipelines").mkdir()
    (git.parent / "pipelines/load.py").write_text("def load(): ...\n")
    commit_of.cache_clear()
    return git.parent


def version(checkout: Path, name: str = "pipelines/load.py") -> str | None:
    return commit_of(str(checkout / name))


def test_a_branch_in_a_file(checkout: Path) -> None:
    assert version(checkout) == COMMIT


def test_a_branch_among_packed_references(checkout: Path) -> None:
    (checkout / ".git/refs/heads/main").unlink()
    packed = (
        f"# pack-refs with: peeled fully-peeled sorted\n{OTHER} refs/heads/main-2\n{COMMIT} refs/heads/main\n^{OTHER}\n"
    )
    (checkout / ".git/packed-refs").write_text(packed)
    assert version(checkout) == COMMIT


def test_a_file_counts_more_than_packed_references(checkout: Path) -> None:
    (checkout / ".git/packed-refs").write_text(f"{OTHER} refs/heads/main\n")
    assert version(checkout) == COMMIT


def test_a_commit_without_a_branch(checkout: Path) -> None:
    (checkout / ".git/HEAD").write_text(OTHER + "\n")
    assert version(checkout) == OTHER


def test_a_linked_worktree(checkout: Path, tmp_path: Path) -> None:
    state = checkout / ".git/worktrees/feature"
    state.mkdir(parents=True)
    (state / "HEAD").write_text("ref: refs/heads/feature\n")
    (state / "commondir").write_text("../..\n")
    (checkout / ".git/refs/heads/feature").write_text(OTHER + "\n")
    tree = tmp_path / "feature"
    tree.mkdir()
    (tree / ".git").write_text(f"gitdir: {state}\n")
    assert version(tree, "load.py") == OTHER


def test_a_submodule_by_a_relative_path(checkout: Path) -> None:
    module = checkout / ".git/modules/lib"
    module.mkdir(parents=True)
    (module / "HEAD").write_text(OTHER)
    (checkout / "lib").mkdir()
    (checkout / "lib/.git").write_text("gitdir: ../.git/modules/lib\n")
    assert version(checkout, "lib/load.py") == OTHER


@pytest.mark.parametrize("head", ["", "ref: refs/heads/unborn\n"])
def test_a_checkout_without_a_commit_has_none(checkout: Path, head: str) -> None:
    (checkout / ".git/HEAD").write_text(head)
    assert version(checkout) is None


def test_a_broken_checkout_has_none_and_raises_nothing(checkout: Path) -> None:
    (checkout / ".git/HEAD").unlink()
    assert version(checkout) is None


@pytest.mark.parametrize("name", [".venv/lib/python3.13/site-packages/tool/load.py", "lib/dist-packages/load.py"])
def test_an_installed_package_is_no_part_of_the_checkout_it_lies_in(checkout: Path, name: str) -> None:
    assert version(checkout, name) is None


def test_outside_of_a_checkout_there_is_none(tmp_path: Path) -> None:
    commit_of.cache_clear()
    assert commit_of(str(tmp_path / "load.py")) is None


def test_the_function_behind_a_partial_and_an_object_counts(checkout: Path) -> None:
    code = compile("class Load:\n    def __call__(self): ...\ndef load(): ...", checkout / "pipelines/load.py", "exec")
    names: dict[str, type] = {}
    exec(code, names)
    for function in (names["load"], functools.partial(names["load"]), names["Load"]()):
        assert code_version_of(function) == COMMIT
    exec("def typed_in(): ...", names)
    assert code_version_of(names["typed_in"]) is None
