"""Laws of conditions, for any tree and any news."""

from __future__ import annotations

import random
import re
from functools import cache

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import (
    AllOf,
    AnyOf,
    AssetAlias,
    AssetLeaf,
    AssetRef,
    Condition,
    Group,
    Leaf,
    Manual,
    Queued,
    Verdict,
    all_of,
    any_of,
    condition_object,
    condition_text,
    cron,
    deadline,
    decode_condition,
    encode_condition,
    evaluate,
    evaluate_each,
    leaves,
    left_over,
    matching,
    remaining,
    stale,
)
from assetlog.schemas.conditions.evaluate import News
from assetlog.schemas.conditions.patterns import matcher
from assetlog.schemas.conditions.tree import MAX_DEPTH, depth

EVENT_LEAVES = [AssetLeaf(f"s3://{name}") for name in "abcdef"] + [matching("s3://raw/*"), Group("g"), AssetAlias("x")]
CLOCK_LEAVES = [cron("@daily"), cron("@hourly", "Asia/Tokyo"), deadline("08:00"), deadline("09:30", "Europe/Berlin")]

labels = st.none() | st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))
names = st.text(min_size=1, max_size=20).filter(lambda text: bool(text.strip()))
any_leaf = st.one_of(
    st.builds(AssetLeaf, st.sampled_from(["s3://a", "pg://h/d/s/t", "asset://daily report"]), labels, labels),
    st.builds(AssetRef, names),
    st.builds(AssetAlias, names, st.just("") | names),
    st.builds(Group, names),
    st.sampled_from([matching("s3://raw/*"), matching("s3://?/**/x")]),
    st.builds(lambda name: stale(Asset("s3://a", name=name)), labels),
    st.sampled_from(CLOCK_LEAVES),
    st.just(Manual()),
)


def trees(of: st.SearchStrategy[Leaf]) -> st.SearchStrategy[Condition]:
    """Trees built as users build them: by `all_of` and `any_of`, in each other."""
    return st.recursive(
        of.map(lambda leaf: leaf),
        lambda inner: st.builds(
            lambda join, parts: join(*parts), st.sampled_from([all_of, any_of]), st.lists(inner, min_size=1, max_size=6)
        ),
        max_leaves=10,
    )


event_trees = trees(st.sampled_from(EVENT_LEAVES))
timed_trees = trees(st.sampled_from(EVENT_LEAVES + CLOCK_LEAVES))
partitions = st.sampled_from([None, None, "mon", "tue"])


@st.composite
def queues(draw: st.DrawFn, with_partitions: bool = False) -> dict[str, tuple[Queued, ...]]:
    """News: an event may queue on several leaves, always with the same partition; a tick has none."""
    news: dict[str, list[Queued]] = {}
    for position in range(draw(st.integers(0, 10))):
        partition = draw(partitions) if with_partitions else None
        on = draw(st.one_of(st.sets(st.sampled_from(EVENT_LEAVES), max_size=3), st.sets(st.sampled_from(CLOCK_LEAVES))))
        for leaf in on:
            news.setdefault(leaf.id, []).append(Queued(position, None if leaf.timed else partition))
    return {leaf: tuple(queue) for leaf, queue in news.items()}


def positions(news: News) -> set[int]:
    return {one.position for queue in news.values() for one in queue}


def plain_truth(condition: Condition, news: News) -> bool:
    """Boolean algebra over "something is queued"; deadlines aside."""
    if isinstance(condition, AllOf):
        return all(plain_truth(part, news) for part in condition.conditions)
    if isinstance(condition, AnyOf):
        return any(plain_truth(part, news) for part in condition.conditions)
    assert isinstance(condition, Leaf)
    return bool(news.get(condition.id))


def plainly_consumed(condition: Condition, news: News) -> set[int]:
    """The union over the branches that are true; deadlines aside."""
    if not plain_truth(condition, news):
        return set()
    if isinstance(condition, AllOf | AnyOf):
        return set().union(*(plainly_consumed(part, news) for part in condition.conditions))
    assert isinstance(condition, Leaf)
    return {one.position for one in news.get(condition.id, ())}


def shuffled(condition: Condition, chance: random.Random) -> Condition:
    """The same conditions in another order, at every level."""
    if not isinstance(condition, AllOf | AnyOf):
        return condition
    parts = [shuffled(part, chance) for part in condition.conditions]
    chance.shuffle(parts)
    return all_of(*parts) if isinstance(condition, AllOf) else any_of(*parts)


def nested(condition: Condition) -> Condition:
    """The same condition from pairs only: a & (b & (c & ...))."""
    if not isinstance(condition, AllOf | AnyOf):
        return condition
    parts = [nested(part) for part in condition.conditions]
    tree = parts.pop()
    while parts:
        tree = parts.pop() & tree if isinstance(condition, AllOf) else parts.pop() | tree
    return tree


def every(verdict: Verdict) -> list[Verdict]:
    return [verdict, *(one for branch in verdict.branches for one in every(branch))]


@given(trees(any_leaf))
def test_json_there_and_back_is_the_same_condition(condition: Condition) -> None:
    raw = encode_condition(condition)
    again = decode_condition(raw)
    assert again == condition
    assert encode_condition(again) == raw
    assert msgspec.json.decode(raw) == condition_object(condition)


@given(trees(any_leaf))
def test_a_tree_is_flat_and_names_nothing_twice_beside_itself(condition: Condition) -> None:
    assert depth(condition) <= MAX_DEPTH
    assert len({leaf.id for leaf in leaves(condition)}) == len(leaves(condition))
    stack = [condition]
    while stack:
        node = stack.pop()
        if isinstance(node, AllOf | AnyOf):
            assert len(node.conditions) > 1
            assert len(set(node.conditions)) == len(node.conditions)
            assert not any(type(part) is type(node) for part in node.conditions)
            stack.extend(node.conditions)
    assert condition_text(condition)


@given(event_trees, queues())
def test_evaluation_is_boolean_algebra_and_consumes_the_union_of_the_true_branches(
    condition: Condition, news: News
) -> None:
    verdict = evaluate(condition, news)
    assert verdict.true == plain_truth(condition, news)
    assert set(verdict.consumes) == plainly_consumed(condition, news)


@given(timed_trees, queues())
def test_only_what_is_queued_below_is_consumed_and_only_by_what_is_true(condition: Condition, news: News) -> None:
    known = {leaf.id for leaf in leaves(condition)}
    verdict = evaluate(condition, news)
    assert set(verdict.queued) == positions({leaf: queue for leaf, queue in news.items() if leaf in known})
    for one in every(verdict):
        assert set(one.consumes) <= set(one.queued)
        assert list(one.consumes) == sorted(set(one.consumes))
        assert bool(one.consumes) == one.true
        assert bool(one.missing) != one.true


@given(timed_trees, queues(), queues())
def test_more_news_never_makes_a_true_condition_false(condition: Condition, news: News, later: News) -> None:
    """Later news has later positions, as in the log."""
    shift = 1 + max(positions(news), default=0)
    more = dict(news)
    for leaf, queue in later.items():
        more[leaf] = more.get(leaf, ()) + tuple(Queued(one.position + shift) for one in queue)
    before, after = evaluate(condition, news), evaluate(condition, more)
    assert after.true or not before.true
    assert set(before.consumes) <= set(after.consumes)


@given(timed_trees, queues(), st.randoms(use_true_random=False))
def test_order_and_nesting_do_not_change_what_a_condition_means(
    condition: Condition, news: News, chance: random.Random
) -> None:
    verdict = evaluate(condition, news)
    assert nested(condition) == condition
    other = evaluate(shuffled(condition, chance), news)
    assert (other.true, other.consumes, other.queued, other.lapsed) == (
        verdict.true,
        verdict.consumes,
        verdict.queued,
        verdict.lapsed,
    )
    assert set(other.missing) == set(verdict.missing)


@given(timed_trees, queues())
def test_firing_until_nothing_is_true_consumes_each_event_once(condition: Condition, news: News) -> None:
    queued, fired = dict(news), list[int]()
    while (verdict := evaluate(condition, queued)).true:
        fired.extend(verdict.consumes)
        queued = left_over(queued, verdict.consumes)
    assert len(fired) == len(set(fired))
    assert positions(news) == set(fired) | positions(queued)
    assert not set(fired) & positions(queued)


@given(event_trees, queues())
def test_what_remains_is_what_makes_it_true(condition: Condition, news: News) -> None:
    verdict = evaluate(condition, news)
    rest = remaining(condition, verdict)
    assert (rest is None) == verdict.true
    if rest is None:
        return
    assert {leaf.id for leaf in leaves(rest)} == set(verdict.missing)
    assert not any(leaf.id in news for leaf in leaves(rest))
    came = {leaf.id: (Queued(99),) for leaf in leaves(rest)}
    assert evaluate(rest, came).true
    assert evaluate(condition, {**news, **came}).true


@given(timed_trees, queues(with_partitions=True))
def test_a_partition_is_judged_by_its_own_events_and_every_tick(condition: Condition, news: News) -> None:
    verdicts = evaluate_each(condition, news)
    for partition, verdict in verdicts.items():
        own = {
            leaf: tuple(one for one in queue if leaf.startswith(("cron:", "deadline:")) or one.partition == partition)
            for leaf, queue in news.items()
        }
        alone = {leaf: tuple(Queued(one.position) for one in queue) for leaf, queue in own.items()}
        assert verdict == evaluate(condition, alone) == evaluate(condition, news, partition)
    events = [verdict.queued for verdict in verdicts.values()]
    assert set().union(*events) == set(evaluate_each(condition, unpartitioned(news))[None].queued)


def unpartitioned(news: News) -> News:
    return {leaf: tuple(Queued(one.position) for one in queue) for leaf, queue in news.items()}


@given(event_trees, queues(), st.integers(0, 20))
def test_a_deadline_fires_exactly_with_what_arrived_before_it(condition: Condition, news: News, tick: int) -> None:
    by_eight = deadline("08:00")
    due = {**{leaf: queue for leaf, queue in news.items() if leaf != by_eight.id}, by_eight.id: (Queued(tick),)}
    verdict = evaluate(condition | by_eight, due)
    known = {leaf.id for leaf in leaves(condition)}
    arrived = positions({leaf: queue for leaf, queue in news.items() if leaf in known})
    if any(position < tick for position in arrived):
        assert (verdict.true, set(verdict.consumes)) == (True, arrived | {tick})
    else:
        assert verdict.lapsed == (tick,)
        assert verdict.true == evaluate(condition, news).true
        assert set(verdict.consumes) == set(evaluate(condition, news).consumes)


pattern_texts = st.lists(st.sampled_from(["a", "b", "/", "/**/", "**", "*", "?"]), max_size=7).map("".join)
key_texts = st.text("ab/", max_size=7)


def slow_match(pattern: str, key: str) -> bool:
    """The rule of patterns, as plainly as it can be said."""

    @cache
    def match(at: int, place: int) -> bool:
        if at == len(pattern):
            return place == len(key)
        rest = pattern[at:]
        stars = len(rest) - len(rest.lstrip("*"))
        if stars >= 2 and rest[stars : stars + 1] == "/" and pattern[at - 1] == "/":
            skipped = at + stars + 1
            folders = (end + 1 for end in range(place, len(key)) if key[end] == "/")
            return match(skipped, place) or any(match(skipped, after) for after in folders)
        if stars >= 2:
            return any(match(at + stars, after) for after in range(place, len(key) + 1))
        if stars == 1:
            segment = key.find("/", place)
            end = len(key) if segment < 0 else segment
            return any(match(at + 1, after) for after in range(place, end + 1))
        if place == len(key):
            return False
        fits = key[place] != "/" if rest[0] == "?" else key[place] == rest[0]
        return fits and match(at + 1, place + 1)

    return match(0, 0)


@given(pattern_texts, key_texts)
def test_patterns_match_as_the_plain_rule_says(pattern: str, key: str) -> None:
    pattern, key = f"s3://{pattern}", f"s3://{key}"
    assert matcher(pattern).matches(key) == slow_match(pattern, key)


def one_wildcard(part: str) -> str:
    """Wildcards in a row as the one they mean."""
    return {"/**": "/**/", "***": "**"}.get(part[:3], "**" if part.startswith("**") else part)


@given(st.data())
def test_a_key_made_from_a_pattern_matches_it(data: st.DataObject) -> None:
    """Random pairs seldom match: these always do."""
    pattern = "s3://" + data.draw(pattern_texts)
    folders = st.lists(st.sampled_from(["a/", "bb/", "/"]), max_size=3).map("".join)
    fillings = {"/**/": folders.map("/".__add__), "**": key_texts, "*": st.text("ab", max_size=3), "?": st.just("b")}
    parts = re.split(r"((?:/\*\*)+/|\*\*+|[*?])", pattern)
    key = "".join(data.draw(fillings[part]) if part in fillings else part for part in map(one_wildcard, parts))
    assert slow_match(pattern, key)
    assert matcher(pattern).matches(key)
