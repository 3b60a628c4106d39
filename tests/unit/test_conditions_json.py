"""Conditions as JSON: Airflow's grammar, strictly read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from assetlog.schemas.asset import Asset
from assetlog.schemas.codec import decode, encode
from assetlog.schemas.conditions import (
    AssetAlias,
    AssetLeaf,
    AssetRef,
    any_of,
    condition_object,
    condition_text,
    cron,
    deadline,
    decode_condition,
    encode_condition,
    group,
    matching,
    stale,
)
from assetlog.schemas.conditions.tree import MAX_DEPTH, Condition
from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.consumer import ConsumerRegistered

GOLDEN = Path(__file__).parents[1] / "golden" / "consumer.registered.v1.json"


def read(value: Any) -> Condition:
    return decode_condition(msgspec.json.encode(value))


def refusal(value: Any) -> Invalid:
    with pytest.raises(Invalid) as refused:
        read(value)
    return refused.value


def test_an_expression_of_airflow_is_read() -> None:
    """What Airflow 3.3 stores for `Asset("s3://b/k") & (Asset("x") | AssetAlias("al")) & Asset.ref(name="n")`."""
    condition = read(
        {
            "all": [
                {"asset": {"uri": "s3://b/k", "name": "s3://b/k", "group": "asset"}},
                {
                    "any": [
                        {"asset": {"uri": "gs://x/", "name": "x", "group": "asset"}},
                        {"alias": {"name": "al", "group": "asset"}},
                    ]
                },
                {"asset_ref": {"name": "n"}},
                {"asset_ref": {"uri": "s3://c"}},
            ]
        }
    )
    assert condition == Asset("s3://b/k") & (Asset("gs://x") | AssetAlias("al")) & AssetRef("n") & Asset("s3://c")
    assert condition_text(condition) == "s3://b/k & (x | alias(al)) & n & s3://c"


def test_every_leaf_has_one_spelling_and_may_be_written_short() -> None:
    spellings: list[tuple[Condition, dict[str, Any], dict[str, Any]]] = [
        (AssetLeaf("s3://a"), {"asset": {"uri": "s3://a"}}, {"asset": "S3://a/"}),
        (AssetAlias("x"), {"alias": {"name": "x", "group": ""}}, {"alias": "x"}),
        (matching("s3://a/*"), {"pattern": "s3://a/*"}, {"pattern": "S3://a/*"}),
        (group("g"), {"group": "g"}, {"group": "g"}),
        (cron("@daily"), {"cron": {"expression": "0 0 * * *", "time_zone": "UTC"}}, {"cron": "@daily"}),
        (deadline("08:00"), {"deadline": {"at": "08:00", "time_zone": "UTC"}}, {"deadline": "08:00"}),
        (stale("s3://a"), {"stale": {"uri": "s3://a"}}, {"stale": "s3://a"}),
    ]
    for condition, written, short in spellings:
        assert condition_object(condition) == written
        assert read(written) == read(short) == condition


def test_what_stands_in_the_golden_event_is_a_condition() -> None:
    data = decode(GOLDEN.read_bytes()).data
    assert isinstance(data, ConsumerRegistered)
    assert condition_text(decode_condition(data.condition)) == "s3://lake/orders | (s3://lake/a & s3://lake/b)"


@pytest.mark.parametrize(
    ("value", "field", "rule"),
    [
        ({}, "condition", "this one says nothing"),
        ({"all": [{"group": "a"}], "any": []}, "condition", "this one says all, any"),
        ({"all": []}, "condition.all", "joins one condition or more"),
        ({"al": []}, "condition.al", "unknown field"),
        ([], "condition", "Expected `object`"),
        (
            {"all": [{"group": "a"}, {"any": [{"asset": {"url": "s3://a"}}]}]},
            "condition.all[1].any[0].asset.url",
            "unkn",
        ),
        ({"all": [{"group": "a"}, {"any": [{"asset": "orders"}]}]}, "condition.all[1].any[0].asset", "URI with ://"),
        ({"any": [{"asset": {"uri": "s3://a", "name": " "}}]}, "condition.any[0].asset.name", "1 to 1,500 characters"),
        ({"asset_ref": {}}, "condition.asset_ref", "one of them"),
        ({"asset_ref": {"name": "a", "uri": "s3://a"}}, "condition.asset_ref", "one of them"),
        ({"asset_ref": {"name": ""}}, "condition.asset_ref.name", "1 to 1,500 characters"),
        ({"alias": {"group": "a"}}, "condition.alias.name", "missing required field"),
        ({"pattern": "s3://raw/orders"}, "condition.pattern", "a key with *, ** or ?"),
        ({"group": ""}, "condition.group", "1 to 1,500 characters"),
        ({"cron": {"expression": "daily"}}, "condition.cron.expression", "five fields"),
        ({"cron": {"expression": "@daily", "time_zone": "?"}}, "condition.cron.time_zone", "IANA"),
        ({"deadline": "8"}, "condition.deadline", "time of day"),
        ({"stale": {"uri": "s3://a", "group": "g"}}, "condition.stale.group", "unknown field"),
        ({"group": 3}, "condition.group", "Expected `str`"),
    ],
)
def test_what_breaks_the_grammar_is_refused_with_its_place(value: Any, field: str, rule: str) -> None:
    error = refusal(value)
    assert (error.code, error.field) == ("invalid-condition", field)
    assert rule in str(error.rule)
    assert error.hint


def test_an_error_shows_the_value_that_is_wrong() -> None:
    assert refusal({"any": [{"asset": "orders"}]}).value == "orders"
    assert refusal({"group": 3}).value == "3"


def test_what_is_not_json_is_refused() -> None:
    for raw in (b"", b"{", b'{"group":"\xff"}', b"nul"):
        with pytest.raises(Invalid) as refused:
            decode_condition(raw)
        assert refused.value.field == "condition"


def test_json_that_nests_too_deep_is_refused_before_it_is_read() -> None:
    with pytest.raises(Invalid, match="at most 14 all and any"):
        decode_condition(b'{"all":[' * 100_000 + b"]}" * 100_000)
    assert "at most 1,000 leaves" in str(refusal({"any": [{"group": f"g{n}"} for n in range(1001)]}).rule)
    with pytest.raises(Invalid, match="1,048,576 bytes"):
        decode_condition(b'{"group":"' + b"g" * 1_048_576 + b'"}')


def test_the_deepest_condition_has_room_in_an_event() -> None:
    deepest: Condition = AssetLeaf("s3://0")
    for level in range(MAX_DEPTH):
        other = Asset(f"s3://{level}x", name="name")
        deepest = deepest & other if level % 2 else deepest | other
    registered = ConsumerRegistered(condition=msgspec.Raw(encode_condition(deepest)), target=msgspec.Raw(b"{}"))
    data = decode(encode("consumer.registered", "doc", "report", registered)).data
    assert isinstance(data, ConsumerRegistered)
    assert decode_condition(data.condition) == deepest


def test_labels_survive_json() -> None:
    orders = Asset("s3://lake/orders", name="orders", group="sales")
    condition = decode_condition(encode_condition(any_of(orders, stale(orders), AssetAlias("a", "b"))))
    assert condition_object(condition) == {
        "any": [
            {"asset": {"uri": "s3://lake/orders", "name": "orders", "group": "sales"}},
            {"stale": {"uri": "s3://lake/orders", "name": "orders"}},
            {"alias": {"name": "a", "group": "b"}},
        ]
    }
