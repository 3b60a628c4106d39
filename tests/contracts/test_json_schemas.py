"""The generated JSON Schemas and the event reference say what the Structs say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from assetlog.schemas import jsonschema, reference
from assetlog.schemas.codec import decode
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events import EVENT_TYPES

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
NAMES = sorted(path.name for path in jsonschema.FOLDER.iterdir())


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((jsonschema.FOLDER / name).read_text(encoding="utf-8"))
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def golden(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    return event


def test_the_written_schemas_agree_with_the_types() -> None:
    assert jsonschema.faults() == []


def test_the_reference_agrees_with_the_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert reference.main(["--check"]) == 0


def test_the_reference_explains_every_field() -> None:
    assert [line for line in reference.reference(GOLDEN).splitlines() if line.endswith("|  |")] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(validator(name).schema)


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_event_meets_its_schema(name: str) -> None:
    validator(name).validate(golden(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_field_too_many_breaks_the_schema(name: str) -> None:
    event = golden(name)
    event["data"]["no_such_field"] = 1
    assert not validator(name).is_valid(event)


@pytest.mark.parametrize("name", NAMES)
def test_schema_and_decoder_agree_on_what_is_required(name: str) -> None:
    event = golden(name)
    for part, fields in ((event, list(event)), (event["data"], list(event["data"]))):
        for field in fields:
            value = part.pop(field)
            assert validator(name).is_valid(event) == decodes(event), field
            part[field] = value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", [True, -1, "", [], {}, None], ids=repr)
def test_what_breaks_the_schema_breaks_the_decoder_too(name: str, wrong: Any) -> None:
    event = golden(name)
    for field, value in list(event["data"].items()):
        event["data"][field] = wrong
        assert decodes(event) <= validator(name).is_valid(event), field
        event["data"][field] = value


@pytest.mark.parametrize(
    "wrong",
    [
        {"specversion": "0.3"},
        {"id": ""},
        {"id": 1},
        {"type": "asset.failed"},
        {"subject": None},
        {"subject": "orders"},
        {"dataversion": 2},
        {"data": None},
        {"My-Extension": "x"},
        {"extension": [1]},
    ],
    ids=str,
)
def test_a_wrong_attribute_breaks_the_schema(wrong: dict[str, Any]) -> None:
    name = "asset.materialized.v1.json"
    assert not validator(name).is_valid(golden(name) | wrong)


def decodes(event: dict[str, Any]) -> bool:
    try:
        decode(json.dumps(event).encode())
    except Invalid:
        return False
    return True


@pytest.mark.parametrize(
    "damage, fault",
    [
        (lambda folder: (folder / "run.failed.v1.json").unlink(), "run.failed.v1.json is missing"),
        (lambda folder: (folder / "run.failed.v1.json").write_text("{}"), "run.failed.v1.json differs from its Struct"),
        (lambda folder: (folder / "a.b.v1.json").write_text("{}"), "a.b.v1.json belongs to no event type"),
    ],
)
def test_a_drifted_schema_is_named(
    damage: Any, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jsonschema, "FOLDER", tmp_path)
    assert jsonschema.main([]) == 0
    assert len(list(tmp_path.iterdir())) == len(EVENT_TYPES)
    damage(tmp_path)
    assert jsonschema.main(["--check"]) == 1
    assert fault in capsys.readouterr().err
    assert jsonschema.faults() == [fault]


def test_a_drifted_reference_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "GOLDEN", GOLDEN)
    monkeypatch.setattr(reference, "PAGE", tmp_path / "events.md")
    assert reference.main([]) == 0
    reference.PAGE.write_text("old", encoding="utf-8")
    assert reference.main(["--check"]) == 1
    assert "make docs" in capsys.readouterr().err
