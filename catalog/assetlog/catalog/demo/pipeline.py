"""The demo's pipeline, written as any user of the SDK would write it: plain functions that say what they make."""

from __future__ import annotations

import csv
from pathlib import Path

from assetlog.catalog.demo.assets import CUSTOMERS, CUSTOMERS_CSV, ORDERS, ORDERS_CSV, REPORT, REVENUE
from assetlog.catalog.demo.shop import BAD_DAY, DAYS, write_customers, write_orders
from assetlog.catalog.demo.warehouse import Warehouse
from assetlog.producers import (
    add_asset_metadata,
    check,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    materialize,
    run,
    update_progress_artifact,
)

NIGHTLY = "shop.nightly"
REPAIR = "shop.repair"
REPORT_KEY = "revenue-report"


class Shop:
    """The directory the pipeline works in, and its warehouse."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = Warehouse(folder / "shop.duckdb")

    def orders_file(self, day: str) -> Path:
        """Where a day's export stands."""
        return self.folder / "raw" / "orders" / f"{day}.csv"

    @property
    def customers_file(self) -> Path:
        """Where the customers' export stands."""
        return self.folder / "raw" / "customers.csv"

    @property
    def report_file(self) -> Path:
        """Where the report stands."""
        return self.folder / "reports" / "revenue.md"


def of_day(shop: Shop, day: str, **_: object) -> str:
    """The partition that a step of a day writes."""
    del shop
    return day


@materialize(CUSTOMERS_CSV, by="shop", name="shop.export_customers")
def export_customers(shop: Shop) -> None:
    """The shop's own export of its customers."""
    add_asset_metadata(CUSTOMERS_CSV, {"rows": write_customers(shop.customers_file)})


@materialize(ORDERS_CSV, by="shop", name="shop.export_orders", partition=of_day)
def export_orders(shop: Shop, day: str, *, damaged: bool = False) -> None:
    """The shop's own export of a day's orders."""
    file = shop.orders_file(day)
    add_asset_metadata(ORDERS_CSV, {"rows": write_orders(file, day, damaged=damaged), "bytes": file.stat().st_size})


@materialize(CUSTOMERS, asset_deps=[CUSTOMERS_CSV], by="duckdb", name="shop.clean_customers")
def clean_customers(shop: Shop) -> None:
    """Load the customers, and see whether each has a country."""
    rows = shop.warehouse.fill_customers(shop.customers_file)
    add_asset_metadata(CUSTOMERS, {"rows": rows})
    missing = shop.warehouse.customers_without_country()
    check(CUSTOMERS, "country-is-known", missing == 0, severity="warn", metadata={"missing": missing})


@materialize(ORDERS, asset_deps=[ORDERS_CSV], by="duckdb", name="shop.clean_orders", partition=of_day)
def clean_orders(shop: Shop, day: str) -> None:
    """Load a day's orders, and see whether each that was exported has arrived once."""
    rows = shop.warehouse.fill_orders(shop.orders_file(day), day)
    exported = _orders_in(shop.orders_file(day))
    add_asset_metadata(ORDERS, {"rows": rows, "repeated": exported - rows})
    distinct = _orders_in(shop.orders_file(day), once=True)
    check(ORDERS, "every-order-once", rows == distinct, metadata={"table": rows, "file": distinct}, partition=day)


@materialize(REVENUE, asset_deps=[ORDERS, CUSTOMERS], by="duckdb", name="shop.revenue", partition=of_day)
def revenue(shop: Shop, day: str) -> None:
    """Work out a day's revenue by country."""
    add_asset_metadata(REVENUE, {"countries": shop.warehouse.fill_revenue(day)})


@materialize(REPORT, asset_deps=[REVENUE], name="shop.report")
def report(shop: Shop) -> None:
    """Write the report, and show it in the catalog."""
    rows = shop.warehouse.report()
    text = _report_text(rows)
    shop.report_file.parent.mkdir(exist_ok=True)
    shop.report_file.write_text(text, encoding="utf-8")
    add_asset_metadata(REPORT, {"orders": sum(row["orders"] for row in rows)})
    create_markdown_artifact(text, key=REPORT_KEY, description="Revenue by country")
    create_table_artifact(rows, key="revenue-by-country", description="Revenue by country, as a table")
    create_link_artifact(shop.report_file.as_uri(), "the report's file", key="revenue-report-file")


def start_progress() -> str:
    """A bar that people watch; returns its id."""
    return create_progress_artifact(0, key="nightly-progress", description="Days loaded")


def load_day(shop: Shop, day: str) -> None:
    """All steps that follow a day's export."""
    clean_orders(shop, day)
    revenue(shop, day)
    report(shop)


def nightly(shop: Shop, progress: str) -> None:
    """Export and load everything. The last day's export is damaged: its load raises, and the run has failed."""
    with run(NIGHTLY, by="demo"):
        export_customers(shop)
        clean_customers(shop)
        for number, day in enumerate(DAYS, 1):
            export_orders(shop, day, damaged=day == BAD_DAY)
            load_day(shop, day)
            update_progress_artifact(progress, round(100 * number / len(DAYS)))


def repair(shop: Shop, progress: str) -> None:
    """Export the damaged day again, soundly, and load it."""
    with run(REPAIR, by="demo"):
        export_orders(shop, BAD_DAY)
        load_day(shop, BAD_DAY)
        update_progress_artifact(progress, 100)


def _orders_in(file: Path, *, once: bool = False) -> int:
    with file.open(newline="", encoding="utf-8") as lines:
        orders = [row["order"] for row in csv.DictReader(lines)]
    return len(set(orders) if once else orders)


def _report_text(rows: list[dict[str, float]]) -> str:
    lines = [f"| {row['country']} | {row['orders']} | {row['revenue']:,.2f} |" for row in rows]
    total = sum(row["revenue"] for row in rows)
    head = ["# Revenue by country", "", "| country | orders | revenue |", "| --- | ---: | ---: |"]
    return "\n".join([*head, *lines, "", f"Total: **{total:,.2f}**", ""])
