"""What the catalog answers about one artifact: its history, the difference of two versions, kept images."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw

from assetlog.schemas.events.common import NOTHING
from assetlog.schemas.shapes import Run, Shape


class ArtifactChange(Shape, kw_only=True):
    """What happened to one version of an artifact."""

    act: Literal["created", "updated", "retired"]
    time: str
    data: Raw = NOTHING
    """The content from then on; null where it stayed as it was."""
    description: str | None = None
    """What it shows, from then on; the reason of a retirement."""
    run: Run | None = None
    position: str


class TableChange(Shape, kw_only=True, rename={"from_": "from"}):
    """A row of a table that changed."""

    from_: Raw
    to: Raw


class ArtifactDiff(Shape, kw_only=True, rename={"from_": "from"}):
    """What is different between two versions of an artifact."""

    key: str
    from_: int
    """The version that is compared."""
    to: int
    """The version it is compared with."""
    lines: list[str] = []
    """A unified diff: of the text, of a table's rows one a line, of anything else as indented JSON."""
    by: str | None = None
    """Tables: the column whose values name the rows. Without one, a changed row is a removed and an added one."""
    added: list[Raw] = []
    removed: list[Raw] = []
    changed: list[TableChange] = []
    position: str


class Blob(Shape, kw_only=True):
    """An image that the catalog keeps."""

    sha256: str
    bytes: int
    """Its size."""
    media_type: str
