"""An archive in an object store (S3, GCS, Azure, …). Segments are read from local copies, a bounded number of them."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any, Final

from assetlog.consumers.archive.manifest import MANIFEST
from assetlog.consumers.archive.places import TEMPORARY, manifest_moved
from assetlog.schemas.errors import Broken, Invalid, Unavailable

KEPT: Final = 16
"""Local copies of files."""
try:
    import obstore
    from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
    from obstore.store import from_url
except ImportError as error:
    raise Broken(
        "An archive in an object store needs a library that is not installed.",
        code="missing-extra",
        field="archive_url",
        hint="pip install 'assetlog[archive]'",
    ) from error


class ObjectPlace:
    """Objects below a URL; the store's own credentials rules apply (environment, instance role).

    Args:
        url: e.g. `s3://bucket/prefix`.
        cache: the local directory for copies.
    """

    def __init__(self, url: str, cache: Path) -> None:
        self.url = url
        self._cache = cache
        self._tag: dict[str, str] | None = None
        try:
            self._store: Any = from_url(url)
        except (BaseError, ValueError) as error:
            raise Invalid(
                f"{url!r} names no object store: {error}",
                code="invalid-setting",
                field="archive_url",
                rule="a directory, file://…, or an object store's URL such as s3://bucket/prefix",
            ) from error

    def read_manifest(self) -> bytes:
        """See `Place`."""
        try:
            found = obstore.get(self._store, MANIFEST)
            raw = bytes(found.bytes())
        except FileNotFoundError:
            self._tag = None
            return b""
        except BaseError as error:
            raise away(self.url, error) from error
        meta: Any = found.meta
        self._tag = {name: str(meta[name]) for name in ("e_tag", "version") if meta.get(name)}
        return raw

    def exchange_manifest(self, expected: bytes, new: bytes) -> None:
        """See `Place`; the store itself compares (`If-Match`, `If-None-Match`)."""
        if self.read_manifest() != expected:
            raise manifest_moved()
        mode: Any = "create" if self._tag is None else self._tag
        try:
            obstore.put(self._store, MANIFEST, new, mode=mode, use_multipart=False)
        except (AlreadyExistsError, PreconditionError) as error:
            raise manifest_moved() from error
        except BaseError as error:
            raise away(self.url, error) from error

    def new_file(self) -> Path:
        """See `Place`."""
        self._cache.mkdir(parents=True, exist_ok=True)
        return self._cache / f"{secrets.token_hex(8)}{TEMPORARY}"

    def store(self, written: Path, name: str) -> None:
        """See `Place`; the written file becomes the local copy."""
        try:
            obstore.put(self._store, name, written, mode="create", use_multipart=False)
        except BaseError as error:
            raise away(self.url, error) from error
        self._keep(written, name)

    def local(self, name: str) -> Path:
        """See `Place`."""
        copy = self._cache / name
        if copy.exists():
            copy.touch()  # the ones not used for longest go first
            return copy
        written = self.new_file()
        try:
            with written.open("wb") as file:
                for chunk in obstore.get(self._store, name):
                    file.write(chunk)
        except FileNotFoundError:
            written.unlink(missing_ok=True)
            raise
        except BaseError as error:
            written.unlink(missing_ok=True)
            raise away(self.url, error) from error
        self._keep(written, name)
        return copy

    def tidy(self) -> None:
        """See `Place`."""
        for left in self._cache.glob(f"*{TEMPORARY}"):
            left.unlink(missing_ok=True)

    def _keep(self, written: Path, name: str) -> None:
        written.replace(self._cache / name)
        whole = (path for path in self._cache.iterdir() if path.is_file() and path.suffix != TEMPORARY)
        copies = sorted(whole, key=lambda path: path.stat().st_mtime)
        for old in copies[:-KEPT]:
            old.unlink(missing_ok=True)


def away(url: str, error: Exception) -> Unavailable:
    """The store cannot be reached, or refuses us."""
    return Unavailable(
        f"The archive at {url} does not answer: {str(error).splitlines()[0]}",
        code="archive-unreachable",
        field="archive_url",
        hint="Check the URL, the network and the store's credentials.",
    )
