"""What runs on assets: declare it here, and let `assetlog work MODULE` run it.

from assetlog.consumers import Asset, asset, consumer

orders, users = Asset("s3://lake/orders.parquet"), Asset("postgres://shop/users")

@consumer(on=orders & users)                                   # when both have news
def report(context): ...

@asset(uri="s3://lake/report.csv", schedule=orders | users)    # runs when due, materializes on success
def daily_report(self, context, orders): ...
"""

from __future__ import annotations

from assetlog.consumers.declare.assets import AssetFunction, MultiAsset, asset
from assetlog.consumers.declare.consumer import consumer
from assetlog.consumers.declare.dags import Dag, DagFunction, dag
from assetlog.consumers.declare.frames import get_current_context
from assetlog.consumers.declare.outlets import Metadata
from assetlog.consumers.declare.results import TaskResult
from assetlog.consumers.declare.tasks import TaskFunction, task
from assetlog.consumers.work.outcomes import Exhausted, RetryLater
from assetlog.producers.states import Skip
from assetlog.schemas.asset import Asset, AssetProperties
from assetlog.schemas.conditions import (
    AssetAlias,
    AssetRef,
    Condition,
    all_of,
    any_of,
    cron,
    deadline,
    group,
    matching,
    stale,
)

AssetAll, AssetAny = all_of, any_of
"""Airflow's names."""

__all__ = [
    "Asset",
    "AssetAlias",
    "AssetAll",
    "AssetAny",
    "AssetFunction",
    "AssetProperties",
    "AssetRef",
    "Condition",
    "Dag",
    "DagFunction",
    "Exhausted",
    "Metadata",
    "MultiAsset",
    "RetryLater",
    "Skip",
    "TaskFunction",
    "TaskResult",
    "all_of",
    "any_of",
    "asset",
    "consumer",
    "cron",
    "dag",
    "deadline",
    "get_current_context",
    "group",
    "matching",
    "stale",
    "task",
]
