"""Which keys a pattern matches, and which assets a leaf speaks of."""

from __future__ import annotations

import pytest

from assetlog.schemas.conditions import (
    AssetAlias,
    AssetLeaf,
    AssetRef,
    Subject,
    cron,
    group,
    matching,
    speaks_of,
    stale,
)
from assetlog.schemas.conditions.patterns import literal_prefix, matcher
from assetlog.schemas.errors import Invalid


@pytest.mark.parametrize(
    ("pattern", "key", "matches"),
    [
        ("s3://raw/*", "s3://raw/a.csv", True),
        ("s3://raw/*", "s3://raw/a/b.csv", False),
        ("s3://raw/*", "s3://raw", False),
        ("s3://raw/*", "s3://Raw/a.csv", False),
        ("s3://raw/*.csv", "s3://raw/a.csv", True),
        ("s3://raw/*.csv", "s3://raw/.csv", True),
        ("s3://raw/*.csv", "s3://raw/a.csv.gz", False),
        ("s3://raw/**", "s3://raw/a/b/c.csv", True),
        ("s3://raw/**.csv", "s3://raw/a/b/c.csv", True),
        ("s3://raw/**/x.csv", "s3://raw/x.csv", True),
        ("s3://raw/**/x.csv", "s3://raw/a/b/x.csv", True),
        ("s3://raw/**/x.csv", "s3://raw/ax.csv", False),
        ("s3://raw/**/**/x.csv", "s3://raw/x.csv", True),
        ("s3://raw/**/*", "s3://raw/x.csv", True),
        ("s3://**/orders", "s3://orders", True),
        ("s3://**/orders", "s3://lake/eu/orders", True),
        ("s3://lake-?/x", "s3://lake-1/x", True),
        ("s3://lake-?/x", "s3://lake-/x", False),
        ("s3://lake?x", "s3://lake/x", False),
        ("s3://q?a=*", "s3://q?a=1", True),
        ("s3://a[bc]*", "s3://a[bc]d", True),
        ("s3://a[bc]*", "s3://ab", False),
        ("s3://a.*", "s3://abc", False),
        ("file:///data/*", "file:///data/x", True),
        ("s3://café/*", "s3://café/ü", True),
    ],
)
def test_a_pattern_matches_as_globs_do(pattern: str, key: str, matches: bool) -> None:
    assert matcher(matching(pattern).pattern).matches(key) is matches


def test_a_pattern_that_slows_regular_expressions_down_costs_no_more_than_its_length() -> None:
    pattern = matching("s3://" + "*a" * 300 + "*b").pattern
    key = "s3://" + "a" * 1400
    assert not matcher(pattern).matches(key)  # with backtracking this never ends
    assert matcher(pattern).matches(key + "b")


def test_a_schemes_case_is_no_difference_as_in_keys() -> None:
    assert matching("S3://raw/*") == matching("s3://raw/*")


def test_an_index_finds_patterns_by_what_their_keys_begin_with() -> None:
    assert literal_prefix("s3://raw/day-*/x?") == "s3://raw/day-"
    assert matcher("s3://raw/day-*/x?").prefix == "s3://raw/day-"


@pytest.mark.parametrize(
    "pattern",
    [
        "s3://raw/orders",
        "",
        "*",
        "**",
        "*://raw/x",
        "raw/*",
        "s3://raw/*/",
        "s3://raw/*#top",
        "s3://raw/*\n",
        "s 3://*",
    ],
)
def test_what_is_no_pattern_of_keys_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as refused:
        matching(pattern)
    assert (refused.value.field, refused.value.code) == ("pattern", "invalid-condition")
    assert refused.value.rule
    assert refused.value.hint


def test_a_pattern_never_keeps_a_password() -> None:
    with pytest.raises(Invalid, match="password") as refused:
        matching("postgres://ada:secret@host/*")
    assert "secret" not in f"{refused.value} {refused.value.value}"


def test_a_leaf_speaks_of_the_assets_it_names() -> None:
    asset = Subject(key="s3://raw/a", name="orders", group="sales", aliases=frozenset({"daily"}))
    other = Subject(key="s3://b/b")
    for leaf in (
        AssetLeaf("s3://raw/a"),
        stale("s3://raw/a"),
        matching("s3://raw/*"),
        AssetRef("orders"),
        group("sales"),
        AssetAlias("daily"),
    ):
        assert speaks_of(leaf, asset)
        assert not speaks_of(leaf, other)
    assert not speaks_of(cron("@daily"), asset)
