"""What the shop exports: CSV files, the same on every run."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from random import Random

DAYS = ("2026-11-19", "2026-11-20", "2026-11-21")
BAD_DAY = DAYS[-1]
COUNTRIES = ("DE", "FR", "JP", "SE")
CUSTOMERS = 40
ORDERS_A_DAY = 120
MALFORMED_AMOUNT = "12,90 EUR"
"""What a colleague's spreadsheet made of 12.90."""


def write_customers(path: Path) -> int:
    """Export the customers; one of them never told a country. Returns the number of rows."""
    random = Random(1)  # noqa: S311 - the same rows on every run
    rows = [(number, f"customer {number}", random.choice(COUNTRIES)) for number in range(1, CUSTOMERS + 1)]
    rows[-1] = (*rows[-1][:2], "")
    return _write(path, ("customer", "name", "country"), rows)


def write_orders(path: Path, day: str, *, damaged: bool = False) -> int:
    """Export a day's orders; the export repeats a few of them, as exports do. Returns the number of rows.

    Args:
        path: the file to write.
        day: the day, which also seeds the rows.
        damaged: whether one amount is malformed.
    """
    random = Random(day)  # noqa: S311 - the same rows on every run
    rows = [
        (f"{day}-{number:04}", random.randint(1, CUSTOMERS), f"{random.uniform(5, 250):.2f}")
        for number in range(1, ORDERS_A_DAY + 1)
    ]
    rows += random.sample(rows, 5)
    if damaged:
        rows[57] = (*rows[57][:2], MALFORMED_AMOUNT)
    return _write(path, ("order", "customer", "amount"), rows)


def _write(path: Path, header: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return len(rows)
