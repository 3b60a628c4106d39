"""Every event ever shipped stays readable: one golden JSON per type and version."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assetlog.schemas import codec
from assetlog.schemas.codec import Event, decode
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events import EVENT_TYPES, EventType
from assetlog.schemas.events.asset import AssetMaterialized, AssetRetired
from assetlog.schemas.one_pass import struct_of
from assetlog.schemas.upcasts import UPCASTS, missing_steps, upcast

GOLDEN = Path(__file__).parents[1] / "golden"
VERSIONS = [(name, version) for name, kind in EVENT_TYPES.items() for version in range(1, kind.version + 1)]

# What readers of an event rely on: subject, upstream keys, second key, and some of the data.
MEANING: dict[str, tuple[str | None, tuple[str, ...], str | None, dict[str, Any]]] = {
    "asset.materialized": (
        "s3://lake/orders?a=1&b=2",
        ("postgres://shop:5432/shop/public/orders", "s3://lake/customers"),
        None,
        {"partition": "2026-11-21", "code_version": "4f2c9e1", "by": "dbt", "duration": 1.5},
    ),
    "asset.failed": (
        "s3://lake/orders",
        ("postgres://shop:5432/shop/public/orders",),
        None,
        {"error": "ValueError: no rows", "duration": 0.25, "partition": "2026-11-21"},
    ),
    "asset.observed": ("file:///data/inbox/orders.csv", (), None, {"data_version": "etag:abc", "partition": "eu"}),
    "asset.checked": (
        "postgres://shop:5432/shop/public/orders",
        (),
        None,
        {"check": "not_null_price", "passed": False, "severity": "warn"},
    ),
    "asset.described": (
        "postgres://shop:5432/shop/public/orders",
        ("kafka+ssl://broker/orders",),
        None,
        {"name": "Orders", "owners": ("data@shop.example", "Zoë"), "tags": {"tier": "gold", "pii": ""}},
    ),
    "asset.aliased": ("postgres://shop:5432/shop/public/orders", (), "openlineage://shop/public.orders", {}),
    "alias.resolved": ("todays-orders", (), "s3://lake/orders/2026-11-21", {}),
    "artifact.created": ("daily-report", (), "s3://lake/orders", {"type": "table"}),
    "run.failed": ("r-4", (), None, {"error": "TimeoutError: 30 s", "job": "report", "parent": "r-0"}),
    "consumer.registered": ("daily_report", (), None, {"mode": "each", "when_paused": "skip", "batch_size": 100}),
    "trigger.failed": ("019aa7c0-5b2e-7fff-8000-0000000000ff", (), None, {"consumer": "daily_report", "attempt": 1}),
}


def golden(name: str, version: int = 1) -> bytes:
    return (GOLDEN / f"{name}.v{version}.json").read_bytes()


@pytest.mark.parametrize("name, version", VERSIONS)
def test_every_version_of_every_type_has_a_golden_event(name: str, version: int) -> None:
    raw = golden(name, version)
    event = decode(raw)
    assert event.type == name
    assert event.version == version
    assert type(event.data) is EVENT_TYPES[name].data


@pytest.mark.parametrize("name, version", VERSIONS)
def test_a_golden_event_says_something_in_every_field(name: str, version: int) -> None:
    said = msgspec.json.decode(golden(name, version))["data"]
    if version == EVENT_TYPES[name].version:
        assert said.keys() == set(EVENT_TYPES[name].data.__struct_fields__)


def test_no_golden_event_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{name}.v{version}.json" for name, version in VERSIONS}


@pytest.mark.parametrize("name", MEANING)
def test_a_golden_event_means_what_it_always_meant(name: str) -> None:
    event = decode(golden(name))
    subject, upstream, other, fields = MEANING[name]
    assert (event.subject, event.upstream, event.other) == (subject, upstream, other)
    assert {field: getattr(event.data, field) for field in fields} == fields


def test_metadata_travels_as_the_text_it_came_in() -> None:
    data = decode(golden("asset.materialized")).data
    assert isinstance(data, AssetMaterialized)
    assert bytes(data.metadata) in golden("asset.materialized")


def test_every_step_to_the_newest_version_is_there() -> None:
    assert missing_steps({name: kind.version for name, kind in EVENT_TYPES.items()}) == []
    assert missing_steps({"a": 3}, {("a", 1): dict}) == [("a", 2)]


def test_steps_are_taken_one_after_the_other() -> None:
    steps = {
        ("a", 1): lambda data: {**data, "name": data["nmae"]},
        ("a", 2): lambda data: {"name": data["name"].title(), "steps": 2},
    }
    assert upcast("a", 1, 3, {"nmae": "orders"}, steps) == {"name": "Orders", "steps": 2}
    assert upcast("a", 2, 3, {"name": "orders"}, steps) == {"name": "Orders", "steps": 2}
    assert upcast("a", 3, 3, {"name": "orders"}, steps) == {"name": "orders"}


@pytest.fixture
def third_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world in which `asset.retired` is at version 3: `why`, then `because`, then today's `reason`."""
    newest = EventType("asset.retired", 3, EVENT_TYPES["asset.retired"].data, "asset")
    monkeypatch.setattr(codec, "decode_plain", lambda _: None)  # its Structs are of today's world
    monkeypatch.setitem(EVENT_TYPES, "asset.retired", newest)
    monkeypatch.setitem(UPCASTS, ("asset.retired", 1), lambda data: {"because": data["why"]})
    monkeypatch.setitem(UPCASTS, ("asset.retired", 2), lambda data: {"reason": data["because"].strip()})


def retired(version: int, data: bytes) -> bytes:
    return (
        b'{"specversion":"1.0","id":"1","source":"t","type":"asset.retired","subject":"s3://a","dataversion":%d,"data":%s}'
        % (version, data)
    )


@pytest.mark.usefixtures("third_version")
@pytest.mark.parametrize(
    "version, data", [(1, b'{"why":" old "}'), (2, b'{"because":"old"}'), (3, b'{"reason":"old"}')]
)
def test_old_data_is_decoded_in_the_newest_shape(version: int, data: bytes) -> None:
    event = decode(retired(version, data))
    assert event.version == version
    assert event.data == AssetRetired(reason="old")


@pytest.mark.usefixtures("third_version")
@pytest.mark.parametrize("data", [b"{}", b'{"why":1}', b"[]", b"null", b'{"why":1e999}', b'{"why":[]}'])
def test_old_data_that_no_step_can_lift_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        decode(retired(1, data))
    assert caught.value.code == "invalid-data"
    assert (caught.value.field or "").startswith("data")


def test_an_event_compares_by_what_it_says() -> None:
    first, second = (decode(golden("asset.retired")) for _ in range(2))
    assert isinstance(first, Event)
    assert first == second


@pytest.mark.parametrize("sent, taken", [("", False), ('"dataversion":1,', False), ('"dataversion":3,', True)])
def test_the_short_way_takes_the_newest_version_alone(sent: str, taken: bool) -> None:
    third = struct_of(EventType("asset.retired", 3, AssetRetired, "asset"))
    raw = f'{{"specversion":"1.0","id":"1","source":"t","type":"asset.retired","subject":"s3://a",{sent}"data":{{}}}}'
    with contextlib.nullcontext() if taken else pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=third)
