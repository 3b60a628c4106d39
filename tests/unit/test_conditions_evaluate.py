"""When a condition fires, what it consumes, and what it waits for. Airflow 3.3's outcome stands beside ours."""

from __future__ import annotations

import msgspec

from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import (
    Queued,
    Verdict,
    all_of,
    any_of,
    condition_text,
    cron,
    deadline,
    evaluate,
    evaluate_each,
    left_over,
    matching,
    remaining,
    stale,
)
from assetlog.schemas.conditions.evaluate import News
from assetlog.schemas.conditions.tree import Condition

a, b, c, d = (Asset(f"s3://{name}", name=name) for name in "abcd")


def news(**queues: list[int]) -> dict[str, tuple[Queued, ...]]:
    """What is queued on the assets a, b, c, d."""
    return {f"asset:s3://{name}": tuple(map(Queued, queue)) for name, queue in queues.items()}


def fired(condition: Condition, queued: News) -> tuple[tuple[int, ...], dict[str, tuple[Queued, ...]]]:
    """What a firing consumes, and what is queued after it."""
    verdict = evaluate(condition, queued)
    assert verdict.true
    return verdict.consumes, left_over(queued, verdict.consumes)


def test_all_events_of_a_leaf_are_in_the_trigger() -> None:
    """Airflow: the same (1 run with A x3 and B)."""
    assert fired(a & b, news(a=[1, 2, 3], b=[4])) == ((1, 2, 3, 4), {})


def test_one_branch_of_an_and_waits_without_being_lost() -> None:
    """Airflow: the same, the row for B waits for ever."""
    verdict = evaluate(a & b, news(b=[5]))
    assert (verdict.true, verdict.consumes, verdict.queued) == (False, (), (5,))
    assert verdict.missing == ("asset:s3://a",)


def test_quick_events_on_an_or_are_all_in_the_trigger() -> None:
    """Airflow: 1 run that holds the first; 19 (49) events are in no run."""
    for count in (3, 20, 50):
        positions = list(range(1, count + 1))
        assert fired(a | b, news(a=positions)) == (tuple(positions), {})


def test_three_mapped_outputs_are_three_events_of_the_trigger() -> None:
    """Airflow: 1 of 3 is in the run."""
    assert fired(any_of(a), news(a=[1, 2, 3]))[0] == (1, 2, 3)


def test_firing_on_c_keeps_the_progress_of_a_and_b() -> None:
    """Airflow: the run on C consumes B's progress; a later A does not complete A & B."""
    condition = (a & b) | c
    consumed, rest = fired(condition, news(b=[1], c=[2]))
    assert (consumed, rest) == ((2,), news(b=[1]))
    assert fired(condition, rest | news(a=[3])) == ((1, 3), {})


def test_both_branches_of_an_or_that_are_true_are_consumed() -> None:
    assert fired((a & b) | c, news(a=[1], b=[2], c=[3])) == ((1, 2, 3), {})


def test_a_branch_that_is_not_complete_gives_nothing_to_an_and_above_it() -> None:
    """(A | (B & C)) & D with A, B, D: B's progress stays."""
    assert fired((a | (b & c)) & d, news(a=[1], b=[2], d=[3])) == ((1, 3), news(b=[2]))


def test_what_came_while_a_trigger_ran_fires_next() -> None:
    """Airflow, max_active_runs=1, 3 events during the run: the next run has the first, 2 are stranded."""
    _, rest = fired(a | b, news(a=[1]))
    assert rest == {}
    assert fired(a | b, rest | news(a=[2, 3, 4])) == ((2, 3, 4), {})


def test_a_queued_event_that_is_deleted_is_in_no_trigger() -> None:
    """Airflow: the row is deleted, but the event comes back in the next run."""
    rest = left_over(news(a=[1]), [1])
    assert not evaluate(a & b, rest | news(b=[2])).true
    assert fired(a & b, rest | news(b=[2], a=[3]))[0] == (2, 3)


def test_an_event_on_several_leaves_counts_once_and_is_consumed_from_all() -> None:
    condition = (a & b) | matching("s3://a*")
    queued = {**news(a=[1]), "pattern:s3://a*": (Queued(1), Queued(2))}
    assert fired(condition, queued) == ((1, 2), {})


def test_an_event_may_make_both_sides_of_an_and_true() -> None:
    queued = {**news(a=[1]), "pattern:s3://*": (Queued(1),)}
    assert fired(a & matching("s3://*"), queued) == ((1,), {})


def test_what_is_missing_is_a_condition_again() -> None:
    condition = a & (b | (c & d))
    verdict = evaluate(condition, news(a=[1], c=[2]))
    assert verdict.missing == ("asset:s3://b", "asset:s3://d")
    rest = remaining(condition, verdict)
    assert rest is not None
    assert condition_text(rest) == "b | d"
    assert remaining(condition, evaluate(condition, news(a=[1], b=[2]))) is None


def test_a_verdict_is_plain_data_that_tells_every_branch() -> None:
    verdict = evaluate((a & b) | c, news(b=[1], c=[2]))
    assert msgspec.to_builtins(verdict) == {
        "node": "any",
        "true": True,
        "consumes": (2,),
        "queued": (1, 2),
        "branches": (
            {
                "node": "all",
                "true": False,
                "queued": (1,),
                "missing": ("asset:s3://a",),
                "branches": (
                    {"node": "asset:s3://a", "true": False, "missing": ("asset:s3://a",)},
                    {"node": "asset:s3://b", "true": True, "consumes": (1,), "queued": (1,)},
                ),
            },
            {"node": "asset:s3://c", "true": True, "consumes": (2,), "queued": (2,)},
        ),
    }
    assert msgspec.json.decode(msgspec.json.encode(verdict), type=Verdict) == verdict


def test_an_and_matches_within_one_partition() -> None:
    queued = {
        "asset:s3://a": (Queued(1, "mon"), Queued(2, "tue"), Queued(3)),
        "asset:s3://b": (Queued(4, "tue"), Queued(5, "wed")),
    }
    verdicts = evaluate_each(a & b, queued)
    assert {partition: verdict.consumes for partition, verdict in verdicts.items()} == {
        "mon": (),
        "tue": (2, 4),
        None: (),
        "wed": (),
    }
    assert evaluate(a & b, queued, "tue") == verdicts["tue"]
    assert evaluate(a & b, queued, "never") == evaluate(a & b, {})
    assert evaluate(a & b, queued).queued == (3,)


def test_a_tick_counts_for_every_partition_that_has_news() -> None:
    tick = cron("@daily")
    queued: News = {"asset:s3://a": (Queued(1, "mon"), Queued(2, "tue")), tick.id: (Queued(9),)}
    assert {p: verdict.consumes for p, verdict in evaluate_each(a & tick, queued).items()} == {
        "mon": (1, 9),
        "tue": (2, 9),
    }
    assert list(evaluate_each(a & tick, {tick.id: (Queued(9),)})) == [None]


def test_cron_beside_an_asset_makes_it_wait_or_runs_without_it() -> None:
    """Airflow: OR only."""
    tick = cron("0 8 * * *")
    due: News = {tick.id: (Queued(5),)}
    assert evaluate(a & tick, due).missing == ("asset:s3://a",)
    assert fired(a & tick, {**due, **news(a=[1, 2])}) == ((1, 2, 5), {})
    assert fired(a | tick, due) == ((5,), {})


def test_a_deadline_fires_with_what_arrived_before_it() -> None:
    """Airflow has none."""
    by_eight = deadline("08:00")
    condition = (a & b) | by_eight
    assert not evaluate(condition, news(a=[1])).true
    assert fired(condition, {**news(a=[1, 3]), by_eight.id: (Queued(2),)}) == ((1, 2, 3), {})


def test_a_deadline_before_anything_arrived_lapses() -> None:
    by_eight = deadline("08:00")
    condition = (a & b & cron("@daily")) | by_eight
    for queued in ({}, news(a=[3]), {"cron:0 0 * * * UTC": (Queued(1),)}):
        verdict = evaluate(condition, {**queued, by_eight.id: (Queued(2),)})
        assert (verdict.true, verdict.lapsed) == (False, (2,))


def test_a_lapsed_deadline_does_not_hold_back_its_alternatives() -> None:
    by_eight = deadline("08:00")
    verdict = evaluate((a & b) | by_eight, {**news(a=[3], b=[4]), by_eight.id: (Queued(2),)})
    assert (verdict.true, verdict.consumes, verdict.lapsed) == (True, (3, 4), (2,))


def test_a_deadline_stands_in_for_its_alternatives_only() -> None:
    by_eight = deadline("08:00")
    condition = ((a & b) | by_eight) & c
    queued = {**news(a=[1]), by_eight.id: (Queued(2),)}
    assert evaluate(condition, queued).missing == ("asset:s3://c",)
    assert fired(condition, {**queued, **news(c=[3], d=[4])}) == ((1, 2, 3), news(d=[4]))


def test_a_deadline_under_and_is_a_daily_tick() -> None:
    by_eight = deadline("08:00")
    assert fired(a & by_eight, {**news(a=[3]), by_eight.id: (Queued(2),)}) == ((2, 3), {})


def test_an_overdue_asset_is_news_of_its_own() -> None:
    late = stale(a)
    assert fired(late | (b & c), {late.id: (Queued(7),), **news(b=[1])}) == ((7,), news(b=[1]))


def test_leaves_of_others_are_not_looked_at() -> None:
    assert evaluate(all_of(a, b), news(c=[1], d=[2])) == evaluate(all_of(a, b), {})
