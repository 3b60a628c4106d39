"""Type checkers accept what the SDK's users write, refuse what is wrong, and know every type of its public names."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYRIGHT = Path(sys.executable).with_name("basedpyright")


def checked(*command: str | Path, **environment: str) -> str:
    """What a checker says; its success is asked for."""
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pyright() -> Path:
    """The checker, where it runs: it brings a Node.js for the common platforms alone."""
    if not PYRIGHT.exists():
        pytest.skip("basedpyright is not installed: `uv sync --group dev` brings it")
    tried = subprocess.run([PYRIGHT, "--version"], capture_output=True, text=True, check=False, timeout=60)
    if tried.returncode != 0:
        pytest.skip(f"basedpyright does not run here: {tried.stderr.strip()[-300:]}")
    return PYRIGHT


def test_mypy_accepts_the_examples_in_strict_mode() -> None:
    checked(sys.executable, "-m", "mypy", "typing_tests")


def test_pyright_accepts_the_examples_in_strict_mode(pyright: Path) -> None:
    said = checked(pyright, "--project", "typing_tests", "--pythonpath", sys.executable)
    assert "0 errors, 0 warnings" in said


def test_every_public_name_of_the_sdk_has_a_known_type(pyright: Path, tmp_path: Path) -> None:
    """As it is installed from a wheel: all portions in one folder, in an environment of its own."""
    venv.create(tmp_path / "env", symlinks=True)
    [packages] = (tmp_path / "env").glob("lib/python*/site-packages")
    for portion in ("schemas", "producers"):
        shutil.copytree(ROOT / portion / "assetlog" / portion, packages / "assetlog" / portion)
    for package in ("msgspec", "redis", "httpx"):
        found = importlib.metadata.distribution(package).locate_file(package)
        shutil.copytree(str(found), packages / package)
    said = checked(
        pyright,
        "--verifytypes",
        "assetlog.producers",
        "--ignoreexternal",
        PATH=f"{tmp_path / 'env/bin'}{os.pathsep}{os.environ['PATH']}",
    )
    assert "Type completeness score: 100%" in said
