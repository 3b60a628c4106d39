"""The demo's pipeline, as any user would write it. Nothing here calls anything else: data that arrives sets it off.

`assetlog demo` runs a worker for this module, as `assetlog work` would.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assetlog.catalog.demo.assets import CUSTOMERS_CSV, ORDERS_CSV
from assetlog.catalog.demo.place import Place
from assetlog.catalog.demo.shop import DAYS
from assetlog.consumers import Asset, asset, consumer
from assetlog.producers import (
    Column,
    check,
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
    observe,
    update_progress_artifact,
)

if TYPE_CHECKING:
    from assetlog.consumers.work.context import Context
    from assetlog.consumers.work.seen import SeenEvent

REPORT_KEY = "revenue-report"
PLACE = Place()


@asset(
    "duckdb://shop/clean/customers",
    schedule=CUSTOMERS_CSV,
    description="Every customer once, with types.",
    group="clean",
    kind="table",
    owners=["data-team"],
    tags={"pii": "yes"},
    columns=[Column(name="customer", type="integer"), Column(name="name", type="varchar"), "country"],
)
def customers(self: Asset, context: Context) -> None:
    """Load the customers, and see whether each has a country."""
    PLACE.began(context.run_id)
    context.outlet_events[self].extra = {"rows": PLACE.warehouse.fill_customers(PLACE.customers_file)}
    missing = PLACE.warehouse.customers_without_country()
    check(self, "country-is-known", missing == 0, severity="warn", metadata={"missing": missing})


@asset(
    "duckdb://shop/clean/orders",
    schedule=ORDERS_CSV,
    attempts=3,
    backoff=0.05,
    description="Every order once, with types. A malformed row fails its whole day.",
    group="clean",
    kind="table",
    owners=["data-team"],
    columns=["id", "day", "customer", Column(name="amount", type="decimal(12,2)")],
)
def orders(self: Asset, context: Context) -> None:
    """Load a day's orders, and see whether each that was exported has arrived once."""
    PLACE.began(context.run_id)
    day = context.partition_key
    file = PLACE.orders_file(day)
    rows = PLACE.warehouse.fill_orders(file, day)
    context.outlet_events[self].extra = {"rows": rows, "repeated": _orders_in(file) - rows}
    distinct = _orders_in(file, once=True)
    check(self, "every-order-once", rows == distinct, metadata={"table": rows, "file": distinct}, partition=day)


@asset(
    "duckdb://shop/mart/revenue",
    schedule=orders & customers,
    description="Orders and revenue for each day and country.",
    group="mart",
    kind="table",
    owners=["data-team"],
    tags={"tier": "gold"},
    columns=["day", "country", "orders", Column(name="revenue", type="decimal(14,2)")],
)
def revenue(self: Asset, context: Context) -> None:
    """Work out a day's revenue by country, once its orders and its customers are there."""
    PLACE.began(context.run_id)
    context.outlet_events[self].extra = {"countries": PLACE.warehouse.fill_revenue(context.partition_key)}


@asset(
    "file://shop/reports/revenue.md",
    schedule=revenue,
    description="What the management reads in the morning.",
    group="reports",
    kind="report",
    owners=["data-team"],
)
def report(self: Asset, context: Context) -> None:
    """Write the report, and show it in the catalog."""
    PLACE.began(context.run_id)
    rows = PLACE.warehouse.report()
    text = _report_text(rows)
    PLACE.report_file.parent.mkdir(exist_ok=True)
    PLACE.report_file.write_text(text, encoding="utf-8")
    context.outlet_events[self].extra = {"orders": sum(row["orders"] for row in rows)}
    create_markdown_artifact(text, key=REPORT_KEY, description="Revenue by country")
    create_table_artifact(rows, key="revenue-by-country", description="Revenue by country, as a table")
    create_link_artifact(PLACE.report_file.as_uri(), "the report's file", key="revenue-report-file")
    update_progress_artifact(PLACE.progress, round(100 * PLACE.warehouse.days() / len(DAYS)))


@consumer(on=customers | orders)
def sizes(context: Context, events: Sequence[SeenEvent]) -> None:
    """See how large the cleaned tables are, whichever of them changed."""
    PLACE.began(context.run_id)
    rows = PLACE.warehouse.sizes()
    for key in dict.fromkeys(event.key for event in events if event.key is not None):
        observe(key, {"rows": rows[key.rpartition("/")[2]]})


def _orders_in(file: Path, *, once: bool = False) -> int:
    with file.open(newline="", encoding="utf-8") as lines:
        found = [row["order"] for row in csv.DictReader(lines)]
    return len(set(found) if once else found)


def _report_text(rows: list[dict[str, float]]) -> str:
    lines = [f"| {row['country']} | {row['orders']} | {row['revenue']:,.2f} |" for row in rows]
    total = sum(row["revenue"] for row in rows)
    head = ["# Revenue by country", "", "| country | orders | revenue |", "| --- | ---: | ---: |"]
    return "\n".join([*head, *lines, "", f"Total: **{total:,.2f}**", ""])
