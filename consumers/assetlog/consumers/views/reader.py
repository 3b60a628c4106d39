"""Answers questions about the catalog as of a position. A method is a function of its subject's module."""

from __future__ import annotations

from assetlog.consumers.views import (
    artifact_diff,
    artifact_history,
    artifacts_reader,
    assets_reader,
    checks_reader,
    counts_reader,
    diff_reader,
    events_reader,
    lineage_reader,
    moments,
    partitions_reader,
    quarantine_reader,
    runs_reader,
    subjects,
    tree_reader,
    triggers_reader,
)
from assetlog.consumers.views.access import Access


class Reader(Access):
    """Reads the projection in any thread.

    Every question takes `at`, the position it is answered as of: rows behind it are not looked at, so the answer
    stays the same whatever comes later. A key may be any spelling of it, and an alias.
    """

    resolve = moments.resolve
    head = moments.head
    resolve_key = subjects.resolve_key

    asset = assets_reader.asset
    assets = assets_reader.assets
    lineage = lineage_reader.lineage
    graph = lineage_reader.graph

    events = events_reader.events
    event = events_reader.event
    partitions = partitions_reader.partitions
    checks = checks_reader.checks
    tree = tree_reader.tree
    groups = tree_reader.groups
    aliases = subjects.aliases

    artifacts = artifacts_reader.artifacts
    artifact = artifacts_reader.artifact
    artifact_versions = artifacts_reader.artifact_versions
    artifact_history = artifact_history.artifact_history
    artifact_diff = artifact_diff.artifact_diff
    runs = runs_reader.runs
    run = runs_reader.run
    jobs = runs_reader.jobs
    triggers = triggers_reader.triggers
    trigger = triggers_reader.trigger
    trigger_briefs = triggers_reader.trigger_briefs
    events_at = triggers_reader.events_at

    diff = diff_reader.diff
    counts = counts_reader.counts
    quarantine = quarantine_reader.quarantine
