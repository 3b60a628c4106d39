"""The shop's side: each night it exports files and says so. It knows nothing of what is made from them."""

from __future__ import annotations

from assetlog.catalog.demo.assets import CUSTOMERS_CSV, ORDERS_CSV
from assetlog.catalog.demo.place import Place
from assetlog.catalog.demo.shop import BAD_DAY, write_customers, write_orders
from assetlog.producers import add_asset_metadata, materialize, run

NIGHTLY = "shop.nightly"
REPAIR = "shop.repair"


def of_day(place: Place, day: str, **_: object) -> str:
    """The partition that an export of a day writes."""
    del place
    return day


@materialize(CUSTOMERS_CSV, by="shop", name="shop.export_customers", partition=of_day)
def export_customers(place: Place, day: str) -> None:
    """Export the customers as they are at the end of a day."""
    del day
    add_asset_metadata(CUSTOMERS_CSV, {"rows": write_customers(place.customers_file)})


@materialize(ORDERS_CSV, by="shop", name="shop.export_orders", partition=of_day)
def export_orders(place: Place, day: str, *, damaged: bool = False) -> None:
    """Export a day's orders."""
    file = place.orders_file(day)
    add_asset_metadata(ORDERS_CSV, {"rows": write_orders(file, day, damaged=damaged), "bytes": file.stat().st_size})


def export_night(place: Place, day: str) -> None:
    """All that the shop exports in a night. That of the last day is damaged, and nobody notices."""
    with run(NIGHTLY, by="shop"):
        export_customers(place, day)
        export_orders(place, day, damaged=day == BAD_DAY)


def repair(place: Place) -> None:
    """Export the damaged day again, soundly."""
    with run(REPAIR, by="shop"):
        export_orders(place, BAD_DAY)
