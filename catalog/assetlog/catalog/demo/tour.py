"""What a person wants to see of a pipeline, asked of the node; the demo shows nothing else."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from assetlog.catalog.answers import decode
from assetlog.catalog.cli import output
from assetlog.catalog.cli.artifact_view import show_artifact
from assetlog.catalog.cli.assets import show_assets
from assetlog.catalog.cli.diff import show_diff
from assetlog.catalog.cli.history import print_history
from assetlog.catalog.cli.lineage import show_lineage
from assetlog.catalog.cli.output import Cell, Styled
from assetlog.catalog.cli.runs import show_runs
from assetlog.catalog.client import Client
from assetlog.catalog.demo.assets import CUSTOMERS, ORDERS, REVENUE
from assetlog.catalog.demo.pipeline import NIGHTLY, REPAIR, REPORT_KEY
from assetlog.catalog.demo.shop import BAD_DAY, MALFORMED_AMOUNT
from assetlog.catalog.demo.stage import Played
from assetlog.schemas.errors import Broken
from assetlog.schemas.shapes import Artifact, Asset, Diff, EventShape, Lineage, Page, RunShape

HISTORY = 6


class Tour(Struct, kw_only=True):
    """The node's answers, byte for byte."""

    url: str
    before: str
    """The position before the repair."""
    after: str
    runs: Raw
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

    return Tour(
        url=client.node.url,
        before=played.before,
        after=played.after,
        runs=get("/v1/runs", limit=2, **now),
        assets=get("/v1/assets", **now),
        lineage=get("/v1/lineage", key=REVENUE.key, **now),
        history=get("/v1/asset/events", key=ORDERS.key, limit=HISTORY, **now),
        asset=get("/v1/asset", key=ORDERS.key, **now),
        asset_before=get("/v1/asset", key=ORDERS.key, **then),
        history_before=get("/v1/asset/events", key=ORDERS.key, limit=HISTORY // 2, **then),
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
    ends = {(run.job, run.state) for run in decode(tour.runs, Page[RunShape]).items}
    before, after = decode(tour.asset_before, Asset), decode(tour.asset, Asset)
    failure = before.last_failure.error if before.last_failure else None
    changes = {change.key: change for change in decode(tour.diff, Diff).items}
    recovery = changes.get(ORDERS.key)
    made_from = {edge.upstream for edge in decode(tour.lineage, Lineage).edges if edge.downstream == REVENUE.key}
    return {
        "the nightly run failed and the repair succeeded": ends == {(NIGHTLY, "failed"), (REPAIR, "succeeded")},
        "the orders were failed before the repair": before.state == "failed",
        "the failure was the malformed amount": MALFORMED_AMOUNT in (failure or ""),
        "the orders are fresh now": after.state == "fresh",
        "the repair materialized them once": after.materializations == before.materializations + 1,
        "the difference shows the recovery": recovery is not None and recovery.state_after == "fresh",
        "the revenue is made from orders and customers": made_from == {ORDERS.key, CUSTOMERS.key},
    }


def show(tour: Tour, *, as_json: bool) -> None:
    """Print the tour: each part under the command that asks for it."""
    if as_json:
        output.answer(msgspec.json.encode(tour))
        return
    output.say(Styled("A shop's orders, from CSV exports over DuckDB tables to a report.", "bold"))
    output.say(f"The export of {BAD_DAY} was damaged: the nightly run failed, and a repair loaded that day again.")
    repaired = f"--as-of {tour.before}"
    _title("What ran", "assetlog runs")
    show_runs(decode(tour.runs, Page[RunShape]))
    _title("How the assets are", "assetlog assets")
    show_assets(decode(tour.assets, Page[Asset]))
    _title("What the revenue was made from", f"assetlog lineage {REVENUE.key}")
    show_lineage(decode(tour.lineage, Lineage))
    _title("What happened to the orders", f"assetlog asset {ORDERS.key} --history")
    _show_asset(tour.asset, tour.history)
    _title("The same, as of the moment before the repair", f"assetlog asset {ORDERS.key} --history {repaired}")
    _show_asset(tour.asset_before, tour.history_before)
    _title("What changed since", f"assetlog diff {tour.before}")
    show_diff(decode(tour.diff, Diff))
    _title("What people read", f"assetlog artifacts show {REPORT_KEY}")
    show_artifact(decode(tour.report, Artifact))
    _title("Look around", "")
    output.pairs(list[tuple[str, Cell | list[Cell]]](tour.urls.items()))


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
    key = quote(ORDERS.key, safe=":/")
    return {
        "API docs": f"{url}/docs",
        "orders, now": f"{url}/v1/asset?key={key}",
        "orders, before": f"{url}/v1/asset?key={key}&as_of={played.before}",
        "the log": f"{url}/v1/events",
        "metrics": f"{url}/metrics",
    }
