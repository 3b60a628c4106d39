"""Why a consumer fired, or what it waits for, drawn as a tree of what has come and what is missing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from assetlog.catalog.cli import context, output
from assetlog.catalog.cli.output import Cell, Styled

if TYPE_CHECKING:
    from assetlog.schemas.scheduling_shapes import Branch, Explanation, Pending, Trigger

JOINS = {"all": "all of", "any": "any of"}
PLAIN = ("asset", "manual")
"""Kinds of leaves that need not be named."""


def explain(args: argparse.Namespace) -> int:
    """Explain one consumer."""
    from assetlog.catalog.client.asking import acting_on
    from assetlog.schemas.scheduling_shapes import Explanation

    def render(told: Explanation) -> None:
        show_explanation(told)
        context.footer(args, told.position)

    return context.answer(args, acting_on("consumers", args.name, "explain"), Explanation, render)


def show_explanation(told: Explanation) -> None:
    """The sentence, the tree of each partition in which something waits, and the last trigger."""
    output.say(Styled(told.consumer, "bold"), Styled(f"  {told.condition_text}", "dim"))
    output.say(told.says)
    for pending in told.pending:
        output.say()
        _show_pending(pending, alone=len(told.pending) == 1)
    if told.last_trigger is not None:
        output.heading("last fired")
        _show_last(told.last_trigger)


def _show_pending(pending: Pending, *, alone: bool) -> None:
    if pending.partition is not None or not alone:
        title = "no partition" if pending.partition is None else f"partition {pending.partition}"
        output.say(Styled(title, "cyan"))
    for line, branch in _lines(pending.verdict):
        output.say(Styled(line, "dim"), *_branch(branch))


def _lines(branch: Branch, before: str = "", here: str = "") -> Iterator[tuple[str, Branch]]:
    """Each branch with the lines that lead to it."""
    yield here, branch
    for number, below in enumerate(branch.branches):
        last = number == len(branch.branches) - 1
        corner, further = ("└─ ", "   ") if last else ("├─ ", "│  ")
        yield from _lines(below, before + further, before + corner)


def _branch(branch: Branch) -> list[Cell]:
    mark = Styled("✔ ", "green") if branch.true else Styled("○ ", "yellow")
    if branch.branches:
        return [mark, JOINS.get(branch.node, branch.node)]
    kind, _, target = branch.node.partition(":")
    name = target if kind in PLAIN else f"{kind} {target}"
    if not branch.queued:
        return [mark, name, Styled("  missing" if not branch.true else "", "yellow")]
    events = f"  {branch.queued:,} {'event' if branch.queued == 1 else 'events'}, first "
    rest = "" if branch.true else ", and more are needed"
    return [mark, name, Styled(events, "dim"), output.when(branch.since), Styled(rest, "yellow")]


def _show_last(trigger: Trigger) -> None:
    from assetlog.catalog.cli.trigger_show import event_lines

    by = f"by {trigger.by}" if trigger.by else ""
    partition = f"partition {trigger.partition}" if trigger.partition else ""
    output.say("  ", output.state(trigger.state), "  ", output.when(trigger.fired), f"  {by}{partition}")
    output.pairs([("trigger", trigger.id), ("error", Styled(trigger.error or "", "red"))])
    output.pairs([("consumed", event_lines(trigger))])
