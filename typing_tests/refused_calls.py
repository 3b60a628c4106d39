"""Calls that type checkers refuse: each line is marked, and a mark that is not needed is an error itself."""

from __future__ import annotations

from assetlog.producers import Asset, flow, materialize, task


@materialize("s3://lake/orders")
def load(day: str) -> int:
    """Takes a text."""
    return len(day)


@task
def clean(row: int) -> int:
    """Takes a number."""
    return row


@flow
def nightly(day: str) -> int:
    """Takes a text."""
    return len(day)


def wrong_calls() -> None:
    """None of these is right."""
    load(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    load()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    clean("row")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    nightly(day=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    text: str = load("monday")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(text)
    Asset("s3://lake/orders", freshness=[3600])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
