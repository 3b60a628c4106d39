"""Finding the module that a worker runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assetlog.consumers.declare.declaration import declared_by, forget
from assetlog.consumers.work.loading import load_module
from assetlog.schemas.errors import Invalid

SOURCE = "from assetlog.consumers import consumer\n@consumer(on='s3://a')\ndef run(): ...\n"


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    yield
    for name in set(sys.modules) - before:
        forget(name)
        del sys.modules[name]


def test_a_file_is_imported_by_its_name_and_finds_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "neighbour_of_it.py").write_text("x = 1\n")
    (tmp_path / "inner" / "some_pipeline.py").write_text("import neighbour_of_it\n" + SOURCE)
    assert load_module("inner/some_pipeline.py") == "some_pipeline"
    assert list(declared_by("some_pipeline")) == ["run"]


def test_a_module_is_found_from_the_working_directory_on(tmp_path: Path) -> None:
    (tmp_path / "here_it_is.py").write_text(SOURCE)
    assert load_module("here_it_is") == "here_it_is"


def test_what_a_package_declares_is_what_its_own_modules_declare(tmp_path: Path) -> None:
    (tmp_path / "elsewhere_mod.py").write_text(SOURCE.replace("run", "elsewhere"))
    package = tmp_path / "packaged" / "deep"
    package.mkdir(parents=True)
    (tmp_path / "packaged" / "__init__.py").write_text("import elsewhere_mod\n")
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text(SOURCE)
    assert load_module("packaged") == "packaged"
    assert list(declared_by("packaged")) == ["run"]


@pytest.mark.parametrize(
    ("target", "source", "says"),
    [
        ("not_there", None, "no such module"),
        ("not.there", None, "no such module"),
        ("", None, "no such module"),
        ("not_there.py", None, "no such file"),
        ("json.py", SOURCE, "is another module"),
        ("with-dash.py", SOURCE, "no module's name"),
        ("broken_one.py", "import nothing_such\n", "ModuleNotFoundError: No module named 'nothing_such'"),
        ("exits_at_once.py", "raise SystemExit(3)\n", "SystemExit: 3"),
        ("wrong_syntax.py", "def\n", "SyntaxError"),
    ],
)
def test_what_cannot_be_imported_is_named_with_its_reason(
    tmp_path: Path, target: str, source: str | None, says: str
) -> None:
    assert json.__name__ == "json"  # it is loaded, so its name is taken
    if source is not None:
        (tmp_path / target).write_text(source)
    with pytest.raises(Invalid, match=says):
        load_module(target)


def test_a_module_that_is_imported_already_is_not_looked_for(tmp_path: Path) -> None:
    (tmp_path / "here_it_is.py").write_text(SOURCE)
    load_module("here_it_is")
    before = [*sys.path]
    (tmp_path / "inner").mkdir()
    assert load_module("here_it_is") == "here_it_is"
    assert load_module("assetlog.consumers.work.loading") == "assetlog.consumers.work.loading"
    assert sys.path == before
