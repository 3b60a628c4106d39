"""What the shop exports each night: the assets that the pipeline begins with."""

from __future__ import annotations

from assetlog.producers import Asset

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
