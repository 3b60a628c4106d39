"""The shop's DuckDB file, filled by the named SQL files of this package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb


def sql(name: str) -> str:
    """One of this package's SQL files."""
    return files("assetlog.catalog.demo").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


class Warehouse:
    """The cleaned tables and the mart, used from several threads. Each fill is one transaction: a failing one leaves
    what was there."""

    def __init__(self, path: Path) -> None:
        self._connection = duckdb.connect(path)
        self._connection.execute(sql("tables"))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def fill_customers(self, file: Path) -> int:
        """Replace the customers by those of a file; returns their number."""
        return self._refill("delete from customers", {}, "clean_customers", {"file": str(file)})

    def fill_orders(self, file: Path, day: str) -> int:
        """Replace a day's orders by those of a file; returns their number."""
        forget = "delete from orders where day = $day::date"
        return self._refill(forget, {"day": day}, "clean_orders", {"file": str(file), "day": day})

    def fill_revenue(self, day: str) -> int:
        """Work out a day's revenue anew; returns the number of countries."""
        return self._refill("delete from revenue where day = $day::date", {"day": day}, "revenue", {"day": day})

    def customers_without_country(self) -> int:
        """How many customers have no country."""
        return int(self._rows("missing_countries")[0][0])

    def sizes(self) -> dict[str, int]:
        """How many rows each cleaned table has."""
        return {name: int(rows) for name, rows in self._rows("sizes")}

    def days(self) -> int:
        """How many days have a revenue."""
        return int(self._rows("days")[0][0])

    def report(self) -> list[dict[str, Any]]:
        """Orders and revenue of all days for each country, best first."""
        return [
            {"country": country, "orders": orders, "revenue": float(revenue)}
            for country, orders, revenue in self._rows("report")
        ]

    def _refill(self, forget: str, which: dict[str, Any], fill: str, values: dict[str, Any]) -> int:
        with self._connection.cursor() as cursor:
            cursor.begin()
            try:
                cursor.execute(forget, which)
                (count,) = cursor.execute(sql(fill), values).fetchall()[0]
            except BaseException:
                cursor.rollback()
                raise
            cursor.commit()
        return int(count)

    def _rows(self, name: str) -> list[Any]:
        with self._connection.cursor() as cursor:
            return cursor.execute(sql(name)).fetchall()
