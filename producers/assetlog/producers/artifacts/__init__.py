"""Artifacts: things a person looks at. Each create is the next version of its key.

An artifact made inside a `@materialize` function of one asset is about that asset, and belongs to its run.

contents    what is stored for each type, and what is refused
tables      every form of a table as rows
images      images as URLs, inside the event or kept by the node
creating    one event
functions   create_…_artifact, update_progress_artifact, and their async twins
objects     Artifact and a class for each type: create, get, get_or_create
getting     what is asked of a node, step by step
"""

from __future__ import annotations

from assetlog.producers.artifacts.functions import (
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
from assetlog.producers.artifacts.objects import (
    Artifact,
    ImageArtifact,
    LinkArtifact,
    MarkdownArtifact,
    ProgressArtifact,
    TableArtifact,
)

__all__ = [
    "Artifact",
    "ImageArtifact",
    "LinkArtifact",
    "MarkdownArtifact",
    "ProgressArtifact",
    "TableArtifact",
    "acreate_image_artifact",
    "acreate_link_artifact",
    "acreate_markdown_artifact",
    "acreate_progress_artifact",
    "acreate_table_artifact",
    "aupdate_progress_artifact",
    "create_image_artifact",
    "create_link_artifact",
    "create_markdown_artifact",
    "create_progress_artifact",
    "create_table_artifact",
    "update_progress_artifact",
]
