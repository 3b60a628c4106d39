"""Why a consumer fired, or what it waits for: from what was seen at the desk to a verdict tree and a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from assetlog.catalog.api.desk_answers import Facts, Glimpse, LeafNews, PartitionNews
from assetlog.consumers.schedule.deciding import DEBOUNCES
from assetlog.schemas.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Leaf,
    Manual,
    Queued,
    Verdict,
    condition_text,
    evaluate,
    remaining,
)
from assetlog.schemas.positions import format_position, position_time_text
from assetlog.schemas.scheduling_shapes import Branch, Explanation, Pending, Trigger

MOST_NAMED = 5
"""Missing leaves that the sentence names."""


def explanation(facts: Facts, last: Trigger | None, at: int) -> Explanation:
    """The answer about a consumer.

    Args:
        facts: what was seen at the desk.
        last: its last trigger, with what it consumed.
        at: the position that all of it is as of.
    """
    seen = facts.glimpse
    pending = [pending_of(seen.definition.condition, news) for news in facts.news]
    return Explanation(
        consumer=seen.definition.name,
        position=format_position(at),
        condition_text=condition_text(seen.definition.condition),
        paused=seen.paused,
        active=seen.active,
        max_active=seen.definition.data.max_active,
        says=_says(facts, pending),
        pending=pending,
        last_trigger=last,
    )


def pending_of(condition: Condition, news: PartitionNews) -> Pending:
    """What waits in one partition, and what is missing there."""
    ready = {leaf: (Queued(told.first),) for leaf, told in news.leaves.items() if told.ready}
    verdict = evaluate(condition, ready)
    rest = remaining(condition, verdict)
    return Pending(
        partition=news.partition,
        true=verdict.true and news.within,
        verdict=branch_of(condition, verdict, news.leaves),
        missing=list(verdict.missing),
        waits_for=None if rest is None else condition_text(rest),
    )


def branch_of(condition: Condition, verdict: Verdict, leaves: Mapping[str, LeafNews]) -> Branch:
    """A verdict with how much waits, and since when. An event that waits on several leaves counts on each."""
    if isinstance(condition, AllOf | AnyOf):
        pairs = zip(condition.conditions, verdict.branches, strict=True)
        branches = [branch_of(part, told, leaves) for part, told in pairs]
        since = min((each.since for each in branches if each.since is not None), default=None)
        queued = sum(each.queued for each in branches)
        return Branch(node=verdict.node, true=verdict.true, queued=queued, since=since, branches=branches)
    assert isinstance(condition, Leaf)
    news = leaves.get(condition.id)
    return Branch(
        node=verdict.node,
        true=verdict.true,
        queued=0 if news is None else news.queued,
        since=None if news is None else position_time_text(news.first),
    )


def _says(facts: Facts, pending: list[Pending]) -> str:
    """The whole in a sentence or two."""
    seen = facts.glimpse
    due = sum(each.true for each in pending)
    words = [_paused(seen)] if seen.paused else []
    if due:
        words.append(_due(seen, facts, due))
    elif any(news.leaves for news in facts.news):
        words.append(_waits(seen, facts, pending))
    else:
        words.append(_nothing(seen))
    return " ".join(words)


def _nothing(seen: Glimpse) -> str:
    condition = seen.definition.condition
    if isinstance(condition, Manual):
        return "It runs by hand alone."
    since = "yet" if seen.last_trigger is None else "since it fired last"
    return f"It waits for {condition_text(condition)}; nothing has come {since}."


def _paused(seen: Glimpse) -> str:
    reason = f" ({seen.paused_reason})" if seen.paused_reason else ""
    fate = "is not kept" if seen.definition.data.when_paused == "skip" else "fires when it is resumed"
    return f"It is paused{reason}: what comes meanwhile {fate}."


def _due(seen: Glimpse, facts: Facts, due: int) -> str:
    where = "" if facts.partitions == 1 else f" in {due} of {facts.partitions} partitions"
    most = seen.definition.data.max_active
    if seen.paused:
        return f"Its condition is true{where}."
    if most is not None and seen.active >= most:
        running = "its running trigger ends" if most == 1 else f"one of its {seen.active} running triggers ends"
        return f"Its condition is true{where}; it fires when {running}."
    if pause := seen.definition.data.debounce:
        quiet = f"after {pause:g} s without more events, {DEBOUNCES * pause:g} s at the latest"
        return f"Its condition is true{where}; it fires {quiet}."
    return f"Its condition is true{where}; it is about to fire."


def _waits(seen: Glimpse, facts: Facts, pending: list[Pending]) -> str:
    events = _count(seen.queued, "event waits", "events wait") if seen.queued else "The clock has ticked"
    if facts.partitions > 1:
        return f"{events} in {facts.partitions} partitions; none of these has all that the condition asks for."
    (only,) = pending
    if only.waits_for is None:
        return f"{events}; but they did not come within {seen.definition.data.within:g} s of each other."
    named = only.waits_for if len(only.missing) <= MOST_NAMED else f"{len(only.missing)} more leaves"
    return f"{events}; it still waits for {named}."


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
