"""Writing what an artifact shows into a file."""

from __future__ import annotations

import argparse
import csv
import io
from typing import TYPE_CHECKING, Any

import msgspec

from assetlog.catalog.cli import context, output
from assetlog.schemas.errors import Invalid, NotFound
from assetlog.schemas.shapes import Artifact

if TYPE_CHECKING:
    from assetlog.catalog.client import Client


def save(args: argparse.Namespace, named: dict[str, Any]) -> int:
    """Write an image's bytes, a text, a table as CSV, anything else as JSON."""
    with context.open_client(args) as client:
        artifact = client.read("/v1/artifact", Artifact, as_of=context.as_of(args), **named)
        content = _content(client, artifact)
    try:
        args.save.write_bytes(content)
    except OSError as error:
        raise Invalid(
            f"{args.save} can't be written: {error.strerror or error}.", code="unwritable", field="--save"
        ) from error
    output.say(f"{args.save}: {len(content):,} bytes")
    return 0


def _content(client: Client, artifact: Artifact) -> bytes:
    data = msgspec.json.decode(artifact.data)
    if data is None:
        raise NotFound("The log no longer holds what this artifact says.", code="artifact-gone")
    if artifact.type == "image":
        return client.image(artifact)
    if artifact.type == "table":
        return _csv(data)
    return data.encode() if isinstance(data, str) else msgspec.json.format(bytes(artifact.data), indent=2)


def _csv(rows: list[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
