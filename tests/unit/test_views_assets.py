"""What surrounds an asset: partitions, checks, aliases, the tree, groups, differences, counts."""

from __future__ import annotations

from typing import Any

import pytest

from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.asset import AssetChecked


def materialize(projection: Any, n: int, aid: int = 0, **row: Any) -> None:
    projection.event(n, "asset.materialized", aid=aid, **row)


def check(projection: Any, n: int, name: str, *, passed: bool, part: str | None = None) -> None:
    data = AssetChecked(check=name, passed=passed, description=f"at {n}")
    projection.event(n, "asset.checked", data, aid=0, part=part)
    projection.add(
        "checks", pos=projection.at(n), aid=0, name=name, passed=passed, severity="error", part=part, run="r1"
    )


@pytest.fixture
def one(projection: Any) -> Any:
    """A projection that has heard of one asset."""
    projection.key(0, 0, "s3://lake/a")
    return projection


def test_a_partition_counts_what_happened_to_it(one: Any) -> None:
    materialize(one, 1, part="2026-11-20")
    materialize(one, 2, part="2026-11-21")
    one.event(3, "asset.failed", aid=0, part="2026-11-21")
    materialize(one, 4)
    failed, fine = one.reader.partitions("s3://lake/a", one.at(4)).items
    assert (failed.partition, failed.state, failed.materializations, failed.failures) == ("2026-11-21", "failed", 1, 1)
    assert (failed.last_failure.position, failed.last_failure.time) == (one.text(3), one.time_text(3))
    assert (fine.partition, fine.state, fine.last_failure) == ("2026-11-20", "materialized", None)
    assert fine.last_materialization.position == one.text(1)


def test_a_late_failure_does_not_take_a_partition_back(one: Any) -> None:
    materialize(one, 1, part="p")
    one.event(2, "asset.failed", aid=0, part="p", time=0)
    [partition] = one.reader.partitions("s3://lake/a", one.at(2)).items
    assert partition.state == "materialized"


def test_a_clock_that_runs_ahead_counts_five_minutes(one: Any) -> None:
    materialize(one, 1, part="p", time=86_400)
    [partition] = one.reader.partitions("s3://lake/a", one.at(1)).items
    assert partition.last_materialization.time == one.time_text(301)


def test_partitions_page_by_page_and_as_of(one: Any) -> None:
    for n in range(5):
        materialize(one, n, part=f"p{n}")
    first = one.reader.partitions("s3://lake/a", one.at(3), limit=3)
    second = one.reader.partitions("s3://lake/a", one.at(3), limit=3, cursor=first.next)
    assert [item.partition for item in first.items + second.items] == ["p3", "p2", "p1", "p0"]


def test_partitions_of_an_alias_are_those_of_its_asset(one: Any) -> None:
    one.key(1, 1, "file:///old")
    materialize(one, 2, part="new")
    materialize(one, 3, aid=1, part="old")
    one.add("aliases", pos=one.at(4), aid=0, other=1)
    assert [item.partition for item in one.reader.partitions("file:///old", one.at(3)).items] == ["old"]
    assert [item.partition for item in one.reader.partitions("file:///old", one.at(4)).items] == ["old", "new"]
    assert one.reader.resolve_key("file:///old/", one.at(4)) == "s3://lake/a"
    assert one.reader.resolve_key("file:///old/", one.at(3)) == "file:///old"
    assert one.reader.resolve_key("S3://none", one.at(3)) == "s3://none"


def test_the_newest_alias_statement_wins(one: Any) -> None:
    one.key(1, 1, "s3://lake/b")
    one.key(1, 2, "s3://lake/old")
    one.add("aliases", pos=one.at(2), aid=0, other=2)
    one.add("aliases", pos=one.at(3), aid=1, other=2)
    assert one.reader.resolve_key("s3://lake/old", one.at(2)) == "s3://lake/a"
    assert one.reader.resolve_key("s3://lake/old", one.at(3)) == "s3://lake/b"


def test_the_newest_result_of_a_check_counts(one: Any) -> None:
    check(one, 1, "rows", passed=False)
    check(one, 2, "rows", passed=True)
    check(one, 3, "rows", passed=False, part="p")
    check(one, 4, "not_null", passed=True)
    not_null, rows, rows_of_p = one.reader.checks("s3://lake/a", one.at(4)).items
    assert (not_null.name, rows.name, rows_of_p.name) == ("not_null", "rows", "rows")
    assert (rows.passed, rows.partition, rows.results, rows.failed) == (True, None, 2, 1)
    assert (rows.position, rows.time, rows.run, rows.description) == (one.text(2), one.time_text(2), "r1", "at 2")
    assert (rows_of_p.passed, rows_of_p.partition, rows_of_p.results) == (False, "p", 1)
    [earlier] = one.reader.checks("s3://lake/a", one.at(1)).items
    assert (earlier.passed, earlier.description) == (False, "at 1")


def test_checks_page_by_page_and_without_their_bytes(one: Any) -> None:
    for n, (name, part) in enumerate([("a", None), ("a", "p"), ("b", None)]):
        check(one, n, name, passed=True, part=part)
    one.bodies.clear()
    first = one.reader.checks("s3://lake/a", one.at(2), limit=2)
    second = one.reader.checks("s3://lake/a", one.at(2), limit=2, cursor=first.next)
    found = [(item.name, item.partition, item.description) for item in first.items + second.items]
    assert found == [("a", None, None), ("a", "p", None), ("b", None, None)]


def test_an_unknown_asset_has_neither_partitions_nor_checks(one: Any) -> None:
    assert one.reader.partitions("s3://lake/none", one.at(1)).items == []
    assert one.reader.checks("s3://lake/none", one.at(1)).items == []


@pytest.fixture
def forest(projection: Any) -> Any:
    """Keys of several shapes; the last is retired at 2, and one is an alias at 3."""
    keys = ["s3://lake", "s3://lake/raw/a", "s3://lake/raw/b", "s3://other/x?v=a/b", "file:///tmp/x", "pg://h/gone"]
    for aid, key in enumerate(keys):
        projection.key(1, aid, key)
        materialize(projection, 1, aid)
    projection.event(2, "asset.retired", aid=5)
    projection.add("aliases", pos=projection.at(3), aid=1, other=2)
    return projection


def steps(projection: Any, prefix: str | None, n: int = 2) -> list[tuple[str, str, int, str | None]]:
    return [
        (node.prefix, node.name, node.assets, node.asset) for node in projection.reader.tree(prefix, projection.at(n))
    ]


def test_the_tree_begins_with_schemes(forest: Any) -> None:
    assert steps(forest, None) == [("file://", "file", 1, None), ("s3://", "s3", 4, None)]
    assert ("pg://", "pg", 1, None) in steps(forest, "", n=1)


@pytest.mark.parametrize("prefix", ["s3://", "S3", "s3"])
def test_a_step_may_be_an_asset_itself(forest: Any, prefix: str) -> None:
    assert steps(forest, prefix) == [("s3://lake/", "lake", 3, "s3://lake"), ("s3://other/", "other", 1, None)]


@pytest.mark.parametrize("prefix", ["s3://lake/raw", "s3://lake/raw/"])
def test_leaves_of_the_tree_are_assets(forest: Any, prefix: str) -> None:
    assert steps(forest, prefix) == [
        ("s3://lake/raw/a/", "a", 1, "s3://lake/raw/a"),
        ("s3://lake/raw/b/", "b", 1, "s3://lake/raw/b"),
    ]


def test_aliases_are_not_in_the_tree(forest: Any) -> None:
    assert steps(forest, "s3://lake/raw", n=3) == [("s3://lake/raw/a/", "a", 1, "s3://lake/raw/a")]


def test_a_slash_in_a_query_is_no_step(forest: Any) -> None:
    assert steps(forest, "s3://other") == [("s3://other/x?v=a/b/", "x?v=a/b", 1, "s3://other/x?v=a/b")]


def test_absolute_paths_begin_with_their_slash(forest: Any) -> None:
    assert steps(forest, "file://") == [("file:///", "/", 1, None)]
    assert steps(forest, "file:///") == [("file:///tmp/", "tmp", 1, None)]


def test_nothing_is_below_a_prefix_that_no_key_has(forest: Any) -> None:
    assert steps(forest, "s3://la") == []
    assert steps(forest, "s3://lake", n=0) == []


def test_a_retired_asset_comes_back_with_its_next_event(forest: Any) -> None:
    materialize(forest, 4, 5)
    assert steps(forest, "pg://", n=4) == [("pg://h/", "h", 1, None)]


def test_groups_count_their_assets(forest: Any) -> None:
    for aid, group in enumerate(["raw", "raw", "core", "raw", "core", "gone"]):
        forest.add("descriptions", pos=forest.at(1), aid=aid, grp=group)
    first = forest.reader.groups(forest.at(2), limit=1)
    second = forest.reader.groups(forest.at(2), limit=1, cursor=first.next)
    assert [(group.name, group.assets) for group in first.items + second.items] == [("core", 2), ("raw", 3)]
    assert second.next is None


def test_run_time_aliases_name_the_assets_they_stood_for(forest: Any) -> None:
    forest.add("alias_assets", pos=forest.at(2), alias="latest", aid=2)
    forest.add("alias_assets", pos=forest.at(3), alias="latest", aid=1)
    [alias] = forest.reader.aliases(forest.at(3)).items
    assert (alias.name, alias.assets) == ("latest", ["s3://lake/raw/a", "s3://lake/raw/b"])
    assert alias.position == forest.text(3)
    assert forest.reader.aliases(forest.at(2)).items[0].assets == ["s3://lake/raw/b"]
    assert forest.reader.aliases(forest.at(1)).items == []


def test_a_difference_names_what_came_changed_and_went(forest: Any) -> None:
    forest.key(4, 6, "s3://new")
    materialize(forest, 4, 0, run="r1")
    forest.event(5, "asset.failed", aid=1, run="r1")
    forest.add("edges", up=6, down=0, first_pos=forest.at(4))
    diff = forest.reader.diff(forest.at(1), forest.at(5))
    found = [(item.key, item.change, item.state_before, item.state_after) for item in diff.items]
    assert found == [
        ("pg://h/gone", "removed", "fresh", None),
        ("s3://lake", "changed", "fresh", "fresh"),
        ("s3://lake/raw/a", "changed", "fresh", "failed"),
        ("s3://lake/raw/b", "removed", "fresh", None),
        ("s3://new", "added", None, "unknown"),
    ]
    assert [item.upstream_added for item in diff.items] == [[], ["s3://new"], [], [], []]
    assert [(item.materializations, item.failures) for item in diff.items][1] == (1, 0)
    assert (diff.events, diff.artifacts, diff.runs) == (3, 0, 1)
    assert (diff.from_, diff.to, diff.position) == (forest.text(1), forest.text(5), forest.text(5))


def test_nothing_differs_between_a_position_and_itself(forest: Any) -> None:
    diff = forest.reader.diff(forest.at(2), forest.at(2))
    assert (diff.items, diff.next, diff.events) == ([], None, 0)


def test_a_difference_page_by_page(forest: Any) -> None:
    whole = forest.reader.diff(0, forest.at(1))
    first = forest.reader.diff(0, forest.at(1), limit=4)
    second = forest.reader.diff(0, forest.at(1), limit=4, cursor=first.next)
    assert first.items + second.items == whole.items
    assert (len(whole.items), second.next) == (6, None)


def test_a_difference_does_not_run_backwards(forest: Any) -> None:
    with pytest.raises(Invalid, match="after"):
        forest.reader.diff(forest.at(2), forest.at(1))


def test_counts_leave_out_retired_assets_and_aliases(forest: Any) -> None:
    forest.add("quarantine", pos=forest.at(2), code="malformed", detail="no")
    counts = forest.reader.counts(forest.at(3))
    assert (counts.events, counts.assets, counts.quarantined) == (7, 4, 1)
    assert forest.reader.counts(forest.at(1)).assets == 6


def test_counts_as_of_a_position(projection: Any) -> None:
    for n in (1, 2):
        projection.add("runs", pos=projection.at(n), act="started", run=f"r{n}", time=projection.time(n))
        projection.add("artifacts", pos=projection.at(n), act="created", id=f"a{n}")
        projection.add("skipped", pos=projection.at(n), type="asset.failed", version=9)
    counts = projection.reader.counts(projection.at(1))
    assert (counts.runs, counts.artifacts, counts.skipped, counts.position) == (1, 1, 1, projection.text(1))
