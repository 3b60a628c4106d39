"""A consumer's card: what it waits for, what it runs, how its last triggers went."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.moments import duration
from assetlog.catalog.cli.output import Cell, Column, Styled

if TYPE_CHECKING:
    from assetlog.schemas.scheduling_shapes import Consumer, Trigger

CARD_TRIGGERS = 5
TRIGGERS = (
    Column("state", keep=True),
    Column("fired", keep=True),
    Column("took", right=True),
    Column("events", right=True),
    Column("partition"),
    Column("trigger", keep=True),
    Column("error", from_width=140),
)
_TARGETS = {
    "python": "{function} in the workers' pool {pool}",
    "webhook": "POST {url}",
    "airflow": "the Airflow DAG {dag} at {url}",
    "prefect": "the Prefect deployment {deployment} at {url}",
    "dagster": "the Dagster job {job} of {location} at {url}",
    "stream": "an entry in the stream {stream}",
}


def show(args: argparse.Namespace) -> int:
    """Show one consumer."""
    from assetlog.catalog.client.asking import acting_on

    if args.json:
        return context.print_raw(args, acting_on("consumers", args.name))
    with context.open_client(args) as client:
        # The parts of the card are of one moment, whatever happens meanwhile.
        moment = client.position(context.as_of(args))
        show_card(client.consumer(args.name, moment))
        triggers = client.triggers(moment, consumer=args.name, limit=CARD_TRIGGERS).items
        if triggers:
            output.heading("last triggers")
            output.table(TRIGGERS, map(_trigger_row, triggers), indent=2)
        context.footer(args, moment)
    return 0


def show_card(consumer: Consumer) -> None:
    """One consumer, without its triggers."""
    output.say(Styled(consumer.name, "bold"), "  ", output.state(state_of(consumer)))
    if consumer.description:
        output.say()
        output.say("  " + consumer.description.strip().replace("\n", "\n  "))
    output.say()
    output.pairs(
        [
            ("waits for", consumer.condition_text),
            ("runs", target_text(consumer.target)),
            ("paused", consumer.paused_reason or ""),
            ("queued", count_text(consumer.queued, "event")),
            ("active", count_text(consumer.active, "trigger")),
            ("makes", list[Cell](consumer.outlets)),
            ("reads", list[Cell](consumer.inlets)),
            ("rules", list[Cell](_rules(consumer))),
            ("module", consumer.module or ""),
            ("declared", output.when(consumer.registered)),
        ]
    )


def state_of(consumer: Consumer) -> str:
    """How a consumer is, in a word."""
    if consumer.paused:
        return "paused"
    return "running" if consumer.active else "waiting"


def target_text(target: dict[str, Any]) -> str:
    """What a consumer runs, in words.

    >>> target_text({"kind": "stream", "stream": "alerts"})
    'an entry in the stream alerts'
    """
    told = {"job": "__ASSET_JOB", **target}
    return _TARGETS[target["kind"]].format_map(told) if target.get("kind") in _TARGETS else str(target.get("kind"))


def _rules(consumer: Consumer) -> list[str]:
    """What is out of the ordinary in how it fires."""
    seconds = {
        "waits {} for more events": consumer.debounce,
        "all within {}": consumer.within,
        "an attempt takes {} at most": consumer.timeout,
    }
    rules = ["one trigger for each event"] if consumer.mode == "each" else []
    rules += [f"at most {consumer.batch_size:,} events a trigger"] if consumer.batch_size else []
    rules += [text.format(duration(value)) for text, value in seconds.items() if value is not None]
    rules += [f"at most {count_text(consumer.max_active, 'trigger')} at a time"] if consumer.max_active else []
    rules += ["events of a pause are passed over"] if consumer.when_paused == "skip" else []
    rules += [f"partitions of {leaf}: {mapper}" for leaf, mapper in consumer.partitions.items()]
    return [*rules, f"tried {count_text(consumer.attempts, 'time')} at most, first after {duration(consumer.backoff)}"]


def _trigger_row(trigger: Trigger) -> list[Cell]:
    return [
        output.state(trigger.state),
        output.when(trigger.fired),
        duration(trigger.duration),
        str(trigger.count),
        trigger.partition or "",
        trigger.id,
        trigger.error or "",
    ]


def count_text(number: int, noun: str) -> str:
    """So many of something.

    >>> count_text(1, "event"), count_text(1200, "event")
    ('1 event', '1,200 events')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
