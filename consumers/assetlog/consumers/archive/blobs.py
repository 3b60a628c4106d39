"""Images beside the archive, each under the SHA-256 of its bytes: written once, never changed, seen by every node."""

from __future__ import annotations

from assetlog.consumers.archive.places import Place
from assetlog.schemas.artifact_shapes import Blob
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.images import blob_name, check_image, image_type

FOLDER = "blobs"
"""Where they are, below the archive of their catalog."""


class Blobs:
    """The images of a catalog. Usable from several threads, processes and machines at once.

    Args:
        place: where their files are.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def keep(self, content: bytes) -> Blob:
        """Keep an image, on disk (or in the object store) when this returns. Again is fine.

        Raises:
            Invalid: it is no image of a kind that is kept, or too large.
            Unavailable: the disk takes nothing, or the object store does not answer.
        """
        kind, name = check_image(content), blob_name(content)
        if self.read(name) is None:
            self._store(content, name)
        return Blob(sha256=name, bytes=len(content), media_type=kind)

    def read(self, name: str) -> bytes | None:
        """The bytes of an image; None if there is none, or what is there is something else.

        Raises:
            Unavailable: the object store does not answer.
        """
        try:
            content = self._place.local(name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(error) from error
        return content if blob_name(content) == name and image_type(content) else None

    def _store(self, content: bytes, name: str) -> None:
        try:
            written = self._place.new_file()
            try:
                written.write_bytes(content)
                self._place.store(written, name)
            finally:
                written.unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(error) from error
        except Unavailable:
            if self.read(name) is None:  # else another node was quicker
                raise


def _unusable(error: OSError) -> Unavailable:
    return Unavailable(
        f"The place of the images can't be used: {error.strerror or error}.",
        code="blobs-unusable",
        field="archive_url",
        hint="Check the directory beside the archive, its permissions and the free space.",
    )
