"""Where the demo's pipeline works: a directory, a warehouse, and a clock for the first lines of functions."""

from __future__ import annotations

import time
from pathlib import Path

from assetlog.catalog.demo.warehouse import Warehouse


class Place:
    """The shop's directory. A worker imports the pipeline before it is known, so it is opened later."""

    warehouse: Warehouse

    def __init__(self) -> None:
        self.folder = Path()
        self.progress = ""
        """The id of the bar that people watch."""
        self.first_lines: dict[str, int] = {}
        """When a trigger's function came to its first line, in milliseconds since 1970."""

    def open(self, folder: Path) -> None:
        """Work in a new directory."""
        folder.mkdir()
        self.folder = folder
        self.warehouse = Warehouse(folder / "shop.duckdb")
        self.first_lines.clear()

    def close(self) -> None:
        """Close the warehouse."""
        self.warehouse.close()

    def began(self, trigger: str) -> None:
        """Note the first line of a function; of several attempts the first counts."""
        self.first_lines.setdefault(trigger, time.time_ns() // 1_000_000)

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
