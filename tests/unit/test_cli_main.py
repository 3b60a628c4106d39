"""The front door of the command line."""

from __future__ import annotations

import argparse
import subprocess
import sys
from types import ModuleType

import pytest

from assetlog.catalog.cli import main as front
from assetlog.schemas.errors import AssetlogError, Broken, Conflict, Forbidden, Invalid, NotFound, TooLarge, Unavailable

SERVER_ONLY = {"duckdb", "litestar", "faststream", "pydantic", "rich"}
HEAVY = SERVER_ONLY | {"redis", "httpx", "msgspec"}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A command of the table whose work a test gives."""
    module = ModuleType("probe")
    module.__doc__ = "Probe."
    module.configure = lambda _: None  # type: ignore[attr-defined]
    monkeypatch.setitem(front.COMMANDS, "probe", ("probe", "probe"))
    monkeypatch.setitem(sys.modules, "assetlog.catalog.cli.probe", module)
    return module


def raising(error: BaseException) -> object:
    def run(args: argparse.Namespace) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    "kind, code",
    [(Broken, 1), (Invalid, 2), (TooLarge, 2), (NotFound, 3), (Conflict, 4), (Unavailable, 5), (Forbidden, 6)],
)
def test_an_error_is_an_exit_code_and_lines_on_stderr(
    command: ModuleType, capsys: pytest.CaptureFixture[str], kind: type[AssetlogError], code: int
) -> None:
    command.run = raising(kind("Bad.", field="key", value="x", rule="a rule", hint="Mend."))  # type: ignore[attr-defined]
    assert front.main(["probe"]) == code
    shown = capsys.readouterr()
    assert shown.err == "error: Bad.\n  field: key\n  value: x\n  rule: a rule\nhint: Mend.\n"
    assert shown.out == ""


def test_with_json_the_error_is_json(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    command.run = raising(NotFound("Nope.", code="asset-not-found"))  # type: ignore[attr-defined]
    assert front.main(["probe", "--json"]) == 3
    assert capsys.readouterr().err == '{"error": {"code": "asset-not-found", "detail": "Nope."}}\n'


def test_a_missing_extra_is_named(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    command.run = raising(ModuleNotFoundError("no duckdb", name="duckdb"))  # type: ignore[attr-defined]
    assert front.main(["probe"]) == 1
    assert "pip install 'assetlog[server]'" in capsys.readouterr().err


def test_a_bug_shows_its_traceback_only_when_asked(command: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    command.run = raising(KeyError("x"))  # type: ignore[attr-defined]
    assert front.main(["probe"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert front.main(["probe", "--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interruption_is_130(command: ModuleType) -> None:
    command.run = raising(KeyboardInterrupt())  # type: ignore[attr-defined]
    assert front.main(["probe"]) == 130


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        front.main(["assett"])
    assert caught.value.code == 2
    assert "assetlog asset" in capsys.readouterr().err


def test_the_overview_lists_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys; from assetlog.catalog.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('loaded:', sorted({HEAVY!r} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "loaded: []" in shown
    assert all(f"  {name}" in shown for name in front.COMMANDS)


@pytest.mark.parametrize("words", [["assets"], ["asset", "x://y"], ["events"], ["diff", "-1h"]])
def test_parsing_a_reading_command_loads_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from assetlog.catalog.cli.main import command_parser\n"
        f"command_parser({words[0]!r}).parse_args({words[1:]!r})\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"


def test_the_client_needs_the_base_install_only() -> None:
    code = f"import sys, assetlog.catalog.client; print(sorted({SERVER_ONLY!r} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "[]\n"
