"""What a user installs: the wheel's content, the base install, its neighbours."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from assetlog.schemas.events import EVENT_TYPES

ROOT = Path(__file__).parents[2]
PORTIONS = ("schemas", "producers", "consumers", "catalog")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BASE = {"msgspec", "redis", "httpx"}
# Everything of the outside that the base install may bring, on any supported Python.
ALLOWED = BASE | {
    "anyio",
    "certifi",
    "h11",
    "httpcore",
    "idna",
    "typing_extensions",
    "async_timeout",
    "sniffio",
    "pyjwt",
}


def uv() -> str:
    """The uv that installed this environment, or any other; building without one is not tried."""
    found = shutil.which(str(ROOT / ".tools/bin/uv")) or shutil.which("uv")
    if found is None:
        pytest.skip("there is no uv here: run through make")
    return found


UNREACHABLE = ("dns error", "Network is unreachable", "Could not connect", "client error (Connect)", "No route to host")


def run(*command: str) -> str:
    """What a command prints; a failing one fails the test, an unreachable package index skips it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
        pytest.skip("the package index is out of reach")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built through the sdist as for a release."""
    out = tmp_path_factory.mktemp("dist")
    run(uv(), "build", "--quiet", "--out-dir", str(out), str(ROOT))
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_base_install_asks_for_three_packages_without_upper_bounds() -> None:
    assert {requirement.split(">=")[0] for requirement in PROJECT["dependencies"]} == BASE
    assert not [requirement for requirement in PROJECT["dependencies"] if "<" in requirement or "==" in requirement]


@pytest.mark.network
def test_the_wheel_holds_nothing_but_the_package(names: list[str]) -> None:
    assert {name.split("/")[0] for name in names} == {"assetlog", f"assetlog-{PROJECT['version']}.dist-info"}
    assert {name.split("/")[1] for name in names if name.startswith("assetlog/")} == set(PORTIONS)
    assert not [name for name in names if "__pycache__" in name or "/tests/" in name]


@pytest.mark.network
def test_the_wheel_holds_what_is_no_python_too(names: list[str]) -> None:
    assert {f"assetlog/{name}/py.typed" for name in PORTIONS} <= set(names)
    assert {f"assetlog/schemas/json/{name}.v{kind.version}.json" for name, kind in EVENT_TYPES.items()} <= set(names)
    sql = [
        f"assetlog/{path.relative_to(ROOT / portion / 'assetlog').as_posix()}"
        for portion in PORTIONS
        for path in (ROOT / portion).rglob("*.sql")
    ]
    assert sql
    assert set(sql) <= set(names)
    assert [name for name in names if name.endswith("licenses/LICENSE")]


@pytest.mark.network
def test_a_base_install_brings_the_sdk_and_little_else(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    run(uv(), "venv", "--quiet", "--python", sys.executable, str(tmp_path))
    run(uv(), "pip", "install", "--quiet", "--python", str(python), str(wheel))
    listed = run(uv(), "pip", "list", "--python", str(python), "--format", "freeze")
    installed = {line.split("==")[0].split(" @")[0].replace("-", "_").lower() for line in listed.splitlines()}
    assert installed - {"assetlog"} <= ALLOWED
    assert installed >= BASE
    program = "import assetlog.producers, importlib.util as u; print(u.find_spec('producers'))"
    assert run(str(python), "-I", "-c", program).strip() == "None"
    assert PROJECT["version"] in run(str(tmp_path / "bin" / "assetlog"), "--version")


@pytest.mark.network
@pytest.mark.parametrize("neighbour", ["kombu[redis]", "prefect-redis"])
def test_the_base_install_fits_beside_its_neighbours(wheel: Path, neighbour: str, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"assetlog @ {wheel.as_uri()}\n{neighbour}\n", encoding="utf-8")
    resolved = run(uv(), "pip", "compile", "--quiet", "--python", sys.executable, str(requirements))
    assert "assetlog @" in resolved
    assert "redis==" in resolved
