"""The SDK: says what happens to data assets, from any Python code.

    from assetlog.producers import Asset, materialize

    @materialize("s3://lake/report", asset_deps=["s3://lake/orders"])
    def report(): ...

Events go to `ASSETLOG_URL`, else to the node of this machine, else to the spool until one is up.
"""

from __future__ import annotations

from assetlog.producers.artifacts import (
    Artifact,
    ImageArtifact,
    LinkArtifact,
    MarkdownArtifact,
    ProgressArtifact,
    TableArtifact,
    acreate_image_artifact,
    acreate_link_artifact,
    acreate_markdown_artifact,
    acreate_progress_artifact,
    acreate_table_artifact,
    aupdate_progress_artifact,
    create_image_artifact,
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from assetlog.producers.emitter import Emitter, default_emitter, emit, flush, set_default_emitter
from assetlog.producers.facts import check, materialized, observe
from assetlog.producers.flow import Flow, flow
from assetlog.producers.futures import FutureList, TaskFuture, as_completed, unmapped, wait
from assetlog.producers.materialize import add_asset_metadata, materialize
from assetlog.producers.outbox import Emission
from assetlog.producers.runs import run
from assetlog.producers.states import Skip, State, UpstreamFailed
from assetlog.producers.task import Task, task
from assetlog.producers.task_options import exponential_backoff
from assetlog.schemas.asset import Asset, AssetProperties
from assetlog.schemas.events.common import Column, Freshness

__all__ = [
    "Artifact",
    "Asset",
    "AssetProperties",
    "Column",
    "Emission",
    "Emitter",
    "Flow",
    "Freshness",
    "FutureList",
    "ImageArtifact",
    "LinkArtifact",
    "MarkdownArtifact",
    "ProgressArtifact",
    "Skip",
    "State",
    "TableArtifact",
    "Task",
    "TaskFuture",
    "UpstreamFailed",
    "acreate_image_artifact",
    "acreate_link_artifact",
    "acreate_markdown_artifact",
    "acreate_progress_artifact",
    "acreate_table_artifact",
    "add_asset_metadata",
    "as_completed",
    "aupdate_progress_artifact",
    "check",
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "default_emitter",
    "emit",
    "exponential_backoff",
    "flow",
    "flush",
    "materialize",
    "materialized",
    "observe",
    "run",
    "set_default_emitter",
    "task",
    "unmapped",
    "update_progress_artifact",
    "wait",
]
