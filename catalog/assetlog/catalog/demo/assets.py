"""The demo's assets: two exports, two cleaned tables, a mart, a report."""

from __future__ import annotations

from assetlog.producers import Asset, Column

CUSTOMERS_CSV = Asset(
    "file://shop/raw/customers.csv",
    name="customers export",
    description="Every customer, as the shop exports them each night.",
    group="raw",
    kind="file",
    owners=["shop-team"],
    tags={"format": "csv"},
)
ORDERS_CSV = Asset(
    "file://shop/raw/orders",
    name="orders export",
    description="The orders of a day, one file a day. The export may repeat an order.",
    group="raw",
    kind="file",
    owners=["shop-team"],
    tags={"format": "csv"},
)
CUSTOMERS = Asset(
    "duckdb://shop/clean/customers",
    name="customers",
    description="Every customer once, with types.",
    group="clean",
    kind="table",
    owners=["data-team"],
    tags={"pii": "yes"},
    columns=[Column(name="customer", type="integer"), Column(name="name", type="varchar"), "country"],
)
ORDERS = Asset(
    "duckdb://shop/clean/orders",
    name="orders",
    description="Every order once, with types. A malformed row fails its whole day.",
    group="clean",
    kind="table",
    owners=["data-team"],
    columns=["id", "day", "customer", Column(name="amount", type="decimal(12,2)")],
)
REVENUE = Asset(
    "duckdb://shop/mart/revenue",
    name="revenue by country",
    description="Orders and revenue for each day and country.",
    group="mart",
    kind="table",
    owners=["data-team"],
    tags={"tier": "gold"},
    columns=["day", "country", "orders", Column(name="revenue", type="decimal(14,2)")],
)
REPORT = Asset(
    "file://shop/reports/revenue.md",
    name="revenue report",
    description="What the management reads in the morning.",
    group="reports",
    kind="report",
    owners=["data-team"],
)
