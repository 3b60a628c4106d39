"""What a person wants to see of a pipeline, asked of the node; the demo shows nothing else."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from assetlog.catalog.answers import decode
from assetlog.catalog.cli import output
from assetlog.catalog.cli.artifact_view import show_artifact
from assetlog.catalog.cli.assets import show_assets
from assetlog.catalog.cli.consumer_explain import show_explanation
from assetlog.catalog.cli.diff import show_diff
from assetlog.catalog.cli.history import print_history
from assetlog.catalog.cli.lineage import show_lineage
from assetlog.catalog.cli.output import Cell, Styled
from assetlog.catalog.cli.trigger_show import show_trigger
from assetlog.catalog.client import Client
from assetlog.catalog.demo.firings import FIRINGS, Firing, firing_row, firings_of, latency_text
from assetlog.catalog.demo.pipeline import REPORT_KEY, customers, orders, revenue
from assetlog.catalog.demo.shop import BAD_DAY, MALFORMED_AMOUNT
from assetlog.catalog.demo.stage import Played
from assetlog.schemas.errors import Broken
from assetlog.schemas.scheduling_shapes import Explanation, Trigger
from assetlog.schemas.shapes import Artifact, Asset, Diff, EventShape, Lineage, Page

HISTORY = 6


class Tour(Struct, kw_only=True):
    """The node's answers, byte for byte; and what the demo itself has seen of the firings."""

    url: str
    before: str
    """The position before the repair."""
    after: str
    firings: list[Firing]
    """Every trigger, in the order in which they fired."""
    dead_letter: Raw
    """The trigger that was given up."""
    waiting: Raw
    """What the revenue waited for before the repair."""
    assets: Raw
    lineage: Raw
    history: Raw
    """Of the cleaned orders, newest first."""
    asset: Raw
    asset_before: Raw
    history_before: Raw
    diff: Raw
    report: Raw
    report_file: Raw
    urls: dict[str, str]


def ask(client: Client, played: Played) -> Tour:
    """Put every question to the node, as of the end of the demo or of the moment before the repair."""
    now, then = {"as_of": played.after}, {"as_of": played.before}

    def get(path: str, **params: object) -> Raw:
        return Raw(client.fetch(path, **params))

    firings = firings_of(client, played)
    given_up = next((firing.trigger for firing in firings if firing.state == "exhausted"), "none")
    return Tour(
        url=client.node.url,
        before=played.before,
        after=played.after,
        firings=firings,
        dead_letter=get(f"/v1/triggers/{given_up}", **now),
        waiting=get("/v1/consumers/revenue/explain", **then),
        assets=get("/v1/assets", **now),
        lineage=get("/v1/lineage", key=revenue.key, **now),
        history=get("/v1/asset/events", key=orders.key, limit=HISTORY, **now),
        asset=get("/v1/asset", key=orders.key, **now),
        asset_before=get("/v1/asset", key=orders.key, **then),
        history_before=get("/v1/asset/events", key=orders.key, limit=HISTORY // 2, **then),
        diff=get("/v1/diff", **{"from": played.before, "to": played.after}),
        report=get("/v1/artifact", key=REPORT_KEY, **now),
        report_file=get("/v1/artifact", key="revenue-report-file", **now),
        urls=_urls(client.node.url, played),
    )


def check(tour: Tour) -> None:
    """See whether the answers tell the story that happened.

    Raises:
        Broken: one of them does not; the detail names it.
    """
    wrong = [fact for fact, holds in _facts(tour).items() if not holds]
    if wrong:
        raise Broken(f"The catalog does not tell that {', and not that '.join(wrong)}.", code="demo-failed")


def _facts(tour: Tour) -> dict[str, bool]:
    before, after = decode(tour.asset_before, Asset), decode(tour.asset, Asset)
    failure = before.last_failure.error if before.last_failure else None
    changes = {change.key: change for change in decode(tour.diff, Diff).items}
    recovery = changes.get(orders.key)
    made_from = {edge.upstream for edge in decode(tour.lineage, Lineage).edges if edge.downstream == revenue.key}
    lost, waiting = decode(tour.dead_letter, Trigger), decode(tour.waiting, Explanation)
    states = [(firing.consumer, firing.partition) for firing in tour.firings if firing.state == "exhausted"]
    revenues = [firing for firing in tour.firings if firing.consumer == "revenue"]
    return {
        "the load of the damaged day alone was given up": states == [("orders", BAD_DAY)],
        "it was tried three times": lost.attempt == 3,
        "the revenue waited for the orders of that day": _waited_for(waiting) == [(BAD_DAY, [f"asset:{orders.key}"])],
        "each revenue was set off by orders and customers": all(
            set(firing.by) == {orders.key, customers.key} for firing in revenues
        ),
        "the orders were failed before the repair": before.state == "failed",
        "the failure was the malformed amount": MALFORMED_AMOUNT in (failure or ""),
        "the orders are fresh now": after.state == "fresh",
        "the repair materialized them once": after.materializations == before.materializations + 1,
        "the difference shows the recovery": recovery is not None and recovery.state_after == "fresh",
        "the revenue is made from orders and customers": made_from == {orders.key, customers.key},
    }


def _waited_for(told: Explanation) -> list[tuple[str | None, list[str]]]:
    return [(pending.partition, pending.missing) for pending in told.pending]


def show(tour: Tour, *, as_json: bool) -> None:
    """Print the tour: each part under the command that asks for it."""
    if as_json:
        output.answer(msgspec.json.encode(tour))
        return
    output.say(Styled("A shop's orders, from CSV exports over DuckDB tables to a report.", "bold"))
    output.say("The shop exports files, night by night, and says so. All that follows is set off by its assets.")
    output.say(f"That of {BAD_DAY} was damaged: its load failed and was given up, until the shop exported it again.")
    _show_what_fired(tour)
    _show_how_things_are(tour)
    _title("Look around", "")
    output.pairs(list[tuple[str, Cell | list[Cell]]](tour.urls.items()))


def _show_what_fired(tour: Tour) -> None:
    lost = decode(tour.dead_letter, Trigger)
    names = {asset.key: asset.name or asset.key for asset in decode(tour.assets, Page[Asset]).items}
    _title("What fired, and by what", "assetlog triggers")
    output.table(FIRINGS, [firing_row(firing, names) for firing in tour.firings])
    output.say()
    output.say(latency_text(tour.firings))
    _title("What was given up", f"assetlog triggers show {lost.id}")
    show_trigger(lost)
    output.say()
    output.say(Styled(f"`assetlog triggers retry {lost.id}` would try it once more.", "dim"))
    _title("What the revenue waited for then", f"assetlog consumers explain revenue --as-of {tour.before}")
    show_explanation(decode(tour.waiting, Explanation))


def _show_how_things_are(tour: Tour) -> None:
    repaired = f"--as-of {tour.before}"
    _title("How the assets are", "assetlog assets")
    show_assets(decode(tour.assets, Page[Asset]))
    _title("What the revenue was made from", f"assetlog lineage {revenue.key}")
    show_lineage(decode(tour.lineage, Lineage))
    _title("What happened to the orders", f"assetlog asset {orders.key} --history")
    _show_asset(tour.asset, tour.history)
    _title("The same, as of the moment before the repair", f"assetlog asset {orders.key} --history {repaired}")
    _show_asset(tour.asset_before, tour.history_before)
    _title("What changed since", f"assetlog diff {tour.before}")
    show_diff(decode(tour.diff, Diff))
    _title("What people read", f"assetlog artifacts show {REPORT_KEY}")
    show_artifact(decode(tour.report, Artifact))


def _show_asset(asset: Raw, history: Raw) -> None:
    shape = decode(asset, Asset)
    output.say(
        Styled(shape.key, "bold"), "  ", output.state(shape.state), Styled(f"  {shape.state_reason or ''}", "dim")
    )
    print_history(decode(history, Page[EventShape]).items)


def _title(text: str, command: str) -> None:
    output.say()
    output.say(Styled(f"■ {text}", "bold cyan"))
    if command:
        output.say(Styled(f"  $ {command}", "dim"))
    output.say()


def _urls(url: str, played: Played) -> dict[str, str]:
    key = quote(orders.key, safe=":/")
    return {
        "API docs": f"{url}/docs",
        "orders, now": f"{url}/v1/asset?key={key}",
        "orders, before": f"{url}/v1/asset?key={key}&as_of={played.before}",
        "triggers": f"{url}/v1/triggers",
        "the log": f"{url}/v1/events",
        "metrics": f"{url}/metrics",
    }
