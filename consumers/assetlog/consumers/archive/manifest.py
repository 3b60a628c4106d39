"""The manifest: one JSON line per segment, oldest first, each chained to the one before by its hash."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from assetlog.schemas.errors import Broken, Invalid
from assetlog.schemas.positions import parse_position

MANIFEST = "manifest.jsonl"
NO_HASH = "0" * 64
"""What stands for the segment before the first."""
FORMAT = 1

_FRAME = struct.Struct(">qQ")


class Segment(Struct, frozen=True, kw_only=True):
    """One sealed range of the log. A later issue adds fields (Merkle root, signature); unknown ones are kept out."""

    file: str
    first: str
    """Position of the first entry."""
    last: str
    count: int
    """Entries, duplicates included."""
    sha256: str
    """Of the previous segment's hash (32 bytes), then each entry: position and length as 8 bytes each, the bytes."""
    previous: str
    """The previous segment's `sha256`; zeros for the first."""
    file_sha256: str
    """Of the Parquet file as it was written: its columns are believed only while it holds."""
    size: int
    """Bytes of the file."""
    fold_version: str
    """The rules its columns were folded by."""
    created: str
    format: int = FORMAT

    @property
    def start(self) -> int:
        """`first` as an integer."""
        return parse_position(self.first)

    @property
    def end(self) -> int:
        """`last` as an integer."""
        return parse_position(self.last)


class SegmentHash:
    """The hash of a segment, entry by entry.

    Args:
        previous: the `sha256` of the segment before.

    Example:
        >>> chain = SegmentHash(NO_HASH)
        >>> chain.add(1, b"{}")
        >>> chain.hexdigest()[:8]
        '2ec439ad'
    """

    def __init__(self, previous: str) -> None:
        self._hash = sha256(bytes.fromhex(previous))
        self.count = 0

    def add(self, position: int, raw: bytes) -> None:
        """Take in the next entry."""
        self._hash.update(_FRAME.pack(position, len(raw)))
        self._hash.update(raw)
        self.count += 1

    def hexdigest(self) -> str:
        """64 hex digits."""
        return self._hash.hexdigest()


def encode_manifest(segments: Sequence[Segment]) -> bytes:
    """The manifest's bytes."""
    return b"".join(msgspec.json.encode(segment) + b"\n" for segment in segments)


def decode_manifest(raw: bytes) -> list[Segment]:
    """The segments of a manifest.

    Raises:
        Broken: a line is damaged, or the segments are not a chain of ascending ranges.
    """
    segments: list[Segment] = []
    for number, line in enumerate(raw.splitlines(), 1):
        try:
            segment = msgspec.json.decode(line, type=Segment)
            fits = _follows(segment, segments[-1] if segments else None)
        except (msgspec.DecodeError, Invalid) as error:
            raise broken_manifest(f"line {number} is damaged ({error})") from error
        if not fits:
            raise broken_manifest(f"line {number} does not continue the one before")
        segments.append(segment)
    return segments


def _follows(segment: Segment, before: Segment | None) -> bool:
    previous, end = (NO_HASH, 0) if before is None else (before.sha256, before.end)
    return segment.previous == previous and end < segment.start <= segment.end and segment.format == FORMAT


def broken_manifest(what: str) -> Broken:
    """The manifest cannot be trusted."""
    return Broken(
        f"The archive's manifest is not whole: {what}.",
        code="archive-manifest",
        field=MANIFEST,
        rule="the manifest is a chain of segments, one JSON line each, oldest first",
        hint="Restore the archive from a backup, or use an assetlog at least as new as the one that wrote it.",
    )


def broken_segment(segment: Segment, what: str) -> Broken:
    """A segment is not what the manifest says."""
    return Broken(
        f"The archive's segment {segment.file} {what}.",
        code="archive-segment",
        field=segment.file,
        rule="a sealed segment is never changed, and never removed",
        hint="Restore that file from a backup of the archive; the log no longer holds its events.",
    )
