"""`file:///path/events.ndjson` appends events to a file, one a line, on disk before it answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from assetlog.producers.files import append_lines
from assetlog.producers.transports.verdicts import event_id
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.shapes import Accepted, Receipt


class FileTransport:
    """Appends lines under a lock, so that several processes may share a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(self, batch: Sequence[bytes]) -> Receipt:
        """Append the batch and sync it."""
        try:
            append_lines(self.path, batch)
        except OSError as error:
            raise Unavailable(
                f"{self.path} can't be written: {error.strerror or error}.",
                code="file-unwritable",
                hint="Check the directory, its permissions and the free space.",
            ) from error
        return Receipt(accepted=[Accepted(id=event_id(raw), position="") for raw in batch], ack="disk")

    def close(self) -> None:
        """Nothing to let go of: the file is open only while it is written."""


def open_transport(url: str, catalog: str, token: str | None) -> FileTransport:  # noqa: ARG001 - one shape for all
    """The transport of a `file://` URL."""
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"} or not parts.path or parts.path.endswith("/"):
        raise Invalid(
            "The URL names no file of this machine.",
            code="invalid-url",
            field="url",
            value=url,
            rule="a file URL has an absolute path: file:///var/log/events.ndjson",
            hint="Write three slashes before the path.",
        )
    return FileTransport(Path(unquote(parts.path)))
