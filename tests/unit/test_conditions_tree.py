"""How conditions are built, and what they are called."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import (
    AllOf,
    AnyOf,
    AssetAlias,
    AssetLeaf,
    AssetRef,
    Manual,
    Queued,
    all_of,
    any_of,
    as_condition,
    condition_text,
    cron,
    deadline,
    decode_condition,
    evaluate,
    group,
    leaves,
    matching,
    stale,
)
from assetlog.schemas.conditions.tree import MAX_DEPTH, MAX_LEAVES, Condition, depth
from assetlog.schemas.errors import Invalid

orders = Asset("s3://lake/orders", name="orders", group="sales")
customers = Asset("s3://lake/customers", name="customers")
regions = Asset("s3://lake/regions")


def ids(condition: Condition) -> list[str]:
    return [leaf.id for leaf in leaves(condition)]


def test_assets_join_by_and_and_or() -> None:
    condition = orders & (customers | regions)
    assert isinstance(condition, AllOf)
    assert isinstance(condition.conditions[1], AnyOf)
    assert ids(condition) == ["asset:s3://lake/orders", "asset:s3://lake/customers", "asset:s3://lake/regions"]
    assert condition_text(condition) == "orders & (customers | s3://lake/regions)"


def test_an_asset_joins_every_kind_of_leaf_from_both_sides() -> None:
    others = [
        AssetAlias("daily"),
        Asset.ref(name="users"),
        Asset.matching("s3://raw/*"),
        group("sales"),
        cron("0 8 * * *", "Europe/Berlin"),
        deadline("08:00"),
        stale(orders),
    ]
    for other in others:
        assert ids(orders & other) == list(reversed(ids(other & orders)))
        assert ids(orders | other) == list(reversed(ids(other | orders)))
    assert ids(all_of(*others)) == [
        "alias:daily",
        "asset_ref:users",
        "pattern:s3://raw/*",
        "group:sales",
        "cron:0 8 * * * Europe/Berlin",
        "deadline:08:00 UTC",
        "stale:s3://lake/orders",
    ]


def test_the_same_join_is_flat_and_names_nothing_twice() -> None:
    assert orders & (customers & regions) == (orders & customers) & regions == all_of(orders, customers, regions)
    assert orders | orders | customers == any_of(orders, customers)
    assert orders & orders == AssetLeaf("s3://lake/orders")
    assert (orders | customers) & (orders | customers) == orders | customers


def test_labels_do_not_tell_leaves_apart() -> None:
    assert AssetLeaf("s3://a", name="a") == AssetLeaf("s3://a")
    assert AssetAlias("x", group="g") == AssetAlias("x")
    assert hash(AssetAlias("x", group="g")) == hash(AssetAlias("x"))
    assert AssetAlias("x") != AssetRef("x")
    assert AssetAlias("x") != "alias:x"


@pytest.mark.parametrize("condition", [orders, orders & customers, orders | customers, group("sales")], ids=repr)
def test_a_condition_has_no_truth_so_that_and_cannot_drop_an_asset(condition: Condition | Asset) -> None:
    with pytest.raises(TypeError, match=r"Write & for and, \| for or"):
        bool(condition)
    with pytest.raises(TypeError, match="is not None"):
        _ = condition and customers  # type: ignore[redundant-expr, unreachable]  # a checker sees it too


def test_assets_in_collections_need_no_truth() -> None:
    assets = [orders, customers]
    assert orders in assets
    assert {orders: 1}[Asset(key="s3://lake/orders")] == 1
    assert sorted(assets, key=lambda asset: asset.key) == [customers, orders]
    assert pickle.loads(pickle.dumps(orders & customers)) == orders & customers


@pytest.mark.parametrize("other", ["s3://lake/users", None, 3, [orders]], ids=repr)
def test_only_assets_and_conditions_join(other: object) -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        orders & other  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported operand"):
        (orders & customers) | other  # type: ignore[operator]
    with pytest.raises(TypeError, match="unsupported operand"):
        other | (orders & customers)  # type: ignore[operator]


def test_a_condition_is_frozen() -> None:
    with pytest.raises(AttributeError):
        group("sales").name = "other"  # type: ignore[misc]


def test_what_users_declare_becomes_a_condition() -> None:
    assert as_condition([orders, customers]) == orders & customers
    assert as_condition((orders | customers,)) == orders | customers
    assert as_condition("S3://lake/orders/") == AssetLeaf("s3://lake/orders")
    assert as_condition("0 8 * * *") == cron("0 8 * * *")
    assert as_condition([orders, "@daily"]) == orders & cron("@daily")
    for other in (3, {"asset": "s3://a"}, b"s3://a", None):
        with pytest.raises(Invalid, match="is not a condition"):
            as_condition(other)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="joins nothing"):
        as_condition([])


def test_a_reference_by_uri_is_the_asset() -> None:
    assert Asset.ref(uri="S3://lake/orders") == orders
    assert Asset.ref(name="orders") == AssetRef("orders")
    with pytest.raises(Invalid):
        Asset.ref()


def test_a_condition_has_bounds() -> None:
    many = [Asset(f"s3://lake/{number}") for number in range(MAX_LEAVES + 1)]
    assert len(leaves(any_of(*many[:-1]))) == MAX_LEAVES
    with pytest.raises(Invalid, match="at most 1,000 leaves; this one has 1,001"):
        any_of(*many)
    deep: Condition = AssetLeaf("s3://0")
    for level in range(MAX_DEPTH):
        deep = deep & many[level] if level % 2 else deep | many[level]
    assert depth(deep) == MAX_DEPTH
    with pytest.raises(Invalid, match="at most 14 all and any"):
        any_of(deep, orders) if isinstance(deep, AllOf) else all_of(deep, orders)


@pytest.mark.parametrize("name", ["", "  ", "x" * 1501, 7], ids=["empty", "blank", "long", "number"])
def test_a_leaf_names_something(name: str) -> None:
    for leaf in (AssetAlias, AssetRef, group):
        with pytest.raises(Invalid) as refused:
            leaf(name)
        assert refused.value.rule == "a name has 1 to 1,500 characters, not only white space"


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "* * * * * *", "every day", "0 8 * * MON;", "@reboot", "0 8 * * Ü"]
)
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    with pytest.raises(Invalid) as refused:
        cron(expression)
    assert (refused.value.field, refused.value.value) == ("cron.expression", expression)
    assert "0 8 * * MON-FRI" in refused.value.hint


def test_cron_expressions_have_one_spelling() -> None:
    assert cron("  0 8 *  * mon-fri ").id == "cron:0 8 * * MON-FRI UTC"
    assert cron("@Hourly", "Asia/Tokyo").id == "cron:0 * * * * Asia/Tokyo"


@pytest.mark.parametrize("zone", ["", "Europe/../etc", "/etc/passwd", "CET+1 ", "x" * 65])
def test_what_is_no_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(Invalid, match="IANA"):
        cron("@daily", zone)
    with pytest.raises(Invalid, match="IANA"):
        deadline("08:00", zone)


@pytest.mark.parametrize("at", ["8:00", "24:00", "08:60", "", "08:00:00"])
def test_what_is_no_time_of_day_is_refused(at: str) -> None:
    with pytest.raises(Invalid, match="time of day"):
        deadline(at)


def test_a_deadline_is_a_daily_tick() -> None:
    assert deadline("08:05", "Europe/Berlin").expression == "5 8 * * *"


def test_text_shows_every_kind_of_leaf_and_quotes_what_would_mislead() -> None:
    condition = any_of(
        Asset("s3://x", name="daily report"),
        AssetAlias("a|b"),
        AssetRef("users"),
        matching("s3://raw/**"),
        group("sales"),
        stale(orders),
        all_of(cron("@daily", "Asia/Tokyo"), deadline("08:00")),
    )
    assert condition_text(condition) == (
        '"daily report" | alias("a|b") | users | s3://raw/** | group(sales) | stale(orders)'
        " | (cron(0 0 * * * Asia/Tokyo) & deadline(08:00 UTC))"
    )


def test_what_runs_by_hand_alone_never_has_news() -> None:
    by_hand = decode_condition(b'{"manual": true}')
    assert by_hand == Manual()
    assert condition_text(by_hand | Asset("s3://a")) == "by hand | s3://a"
    assert not evaluate(by_hand, {"asset:s3://a": (Queued(1),)}).true
    with pytest.raises(Invalid):
        decode_condition(b'{"manual": false}')


def test_conditions_need_nothing_but_msgspec() -> None:
    code = "import sys; import assetlog.schemas.conditions; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"cronsim", "zoneinfo", "duckdb", "redis", "httpx", "asyncio"} & set(loaded)


def test_the_sdk_starts_without_conditions() -> None:
    code = "import sys; import assetlog.producers; print('assetlog.schemas.conditions' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
