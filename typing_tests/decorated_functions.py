"""Decorated functions keep their types. mypy --strict and pyright read this; running it does nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, assert_type

from assetlog.producers import (
    Asset,
    AssetProperties,
    Freshness,
    FutureList,
    State,
    TaskFuture,
    flow,
    materialize,
    run,
    task,
    unmapped,
)

ORDERS = Asset("s3://lake/orders")
FRESH = [
    Asset("s3://lake/hourly", freshness=timedelta(hours=1)),
    Asset("s3://lake/fresh", freshness=90),
    Asset("s3://lake/daily", properties=AssetProperties(freshness="@daily")),
    Asset("s3://lake/office", freshness=Freshness(cron="0 8 * * MON-FRI", time_zone="Europe/Berlin")),
]


@materialize(ORDERS, asset_deps=["s3://lake/raw"], retries=2)
def load(day: str, *, rows: int = 3) -> list[int]:
    """Plain."""
    return [rows] * len(day)


@materialize("s3://lake/report")
async def report(rows: list[int]) -> str:
    """A coroutine function."""
    return str(sum(rows))


@task
def clean(row: int) -> float:
    """A task without options."""
    return row / 2


@task(name="fetch", tags=["nightly"], retries=1)
async def fetch(url: str) -> bytes:
    """A task with options."""
    return url.encode()


@materialize(ORDERS)
def pages(count: int) -> Iterator[int]:
    """A generator."""
    yield from range(count)


@materialize(ORDERS)
async def async_pages(count: int) -> AsyncIterator[int]:
    """An asynchronous generator."""
    for page in range(count):
        yield page


class Pipeline:
    """Methods."""

    @materialize(ORDERS)
    def load(self, day: str) -> int:
        """A method."""
        return len(day)

    @staticmethod
    @task
    def twice(number: int) -> int:
        """A static method."""
        return number * 2


@flow
def nightly(day: str) -> int:
    """A flow without options."""
    return len(load(day))


@flow(name="hourly", retries=1, timeout_seconds=60)
async def hourly(day: str) -> str:
    """A flow with options."""
    return await report(load(day))


def calls() -> None:
    """What calls give."""
    assert_type(load("monday"), list[int])
    assert_type(load("monday", rows=4), list[int])
    assert_type(clean(3), float)
    assert_type(pages(3), Iterator[int])
    assert_type(async_pages(3), AsyncIterator[int])
    assert_type(nightly("monday"), int)
    assert_type(Pipeline().load("monday"), int)
    assert_type(Pipeline.twice(3), int)
    assert_type(load.name, str)
    assert_type(load.with_options(assets=["s3://other"])("monday"), list[int])
    assert_type(nightly.with_options(name="other")("monday"), int)


async def async_calls() -> None:
    """What asynchronous calls give."""
    assert_type(await report([1]), str)
    assert_type(await fetch("https://example.org"), bytes)
    assert_type(await hourly("monday"), str)
    assert_type(await asyncio.gather(report([1]), fetch("")), tuple[str, bytes])
    assert_type(await asyncio.to_thread(load, "monday"), list[int])


def submitted() -> None:
    """What submitting gives: a future of the result, of a coroutine function the awaited one."""
    assert_type(load.submit("monday"), TaskFuture[list[int]])
    assert_type(load.submit("monday").result(), list[int])
    assert_type(fetch.submit("https://example.org"), TaskFuture[bytes])
    assert_type(clean.submit(load.submit("monday"), wait_for=[nightly]), TaskFuture[float])
    assert_type(clean.map([1, 2]), FutureList[float])
    assert_type(clean.map([1, 2]).result(), list[float])
    assert_type(fetch.map(["a"], wait_for=[]), FutureList[bytes])
    assert_type(load.map(["a"], rows=unmapped(3)).result(), list[list[int]])
    assert_type(clean.submit(1, return_state=True), State[float])
    assert_type(fetch.submit("", return_state=True), State[bytes])


async def states() -> None:
    """What `return_state` and `wait_for` give."""
    assert_type(clean(1, return_state=True), State[float])
    assert_type(clean(1, return_state=True).result(), float)
    assert_type(await fetch("", return_state=True), State[bytes])
    assert_type(nightly("monday", return_state=True), State[int])
    assert_type(await hourly("monday", return_state=True), State[str])
    assert_type(clean(1, wait_for=[load.submit("monday")]), float)


def as_callables() -> None:
    """Decorated functions go where functions go."""
    assert_type(list(map(clean, [1, 2])), list[float])
    assert_type(partial(clean, 3)(), float)
    assert_type(sorted([1, 2], key=clean), list[int])
    with run(job="script") as this_run:
        assert_type(this_run.id, str)


def coroutine() -> Coroutine[Any, Any, str]:
    """A coroutine function's call gives a coroutine."""
    return report([1])
