"""Parts of a list: limits, and cursors that say where the next part begins.

A cursor is the last item's sort key, base64url, with a checksum: it holds no state of the server, and what was
cut or mistyped on its way is refused instead of answered with a wrong part.
"""

from __future__ import annotations

import binascii
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from assetlog.schemas.errors import Invalid
from assetlog.schemas.positions import format_position
from assetlog.schemas.shapes import Page

DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
_CHECKSUM_BYTES = 4

Key = TypeVar("Key")
Row = TypeVar("Row")
Item = TypeVar("Item")


def check_limit(limit: int) -> int:
    """A list's limit, unchanged: 1 to 1,000."""
    if 1 <= limit <= MAX_LIMIT:
        return limit
    raise Invalid(
        f"A limit of {limit} is not allowed.",
        code="invalid-limit",
        field="limit",
        value=limit,
        rule=f"a limit is 1 to {MAX_LIMIT}",
        hint="Ask for less at a time and follow `next`.",
    )


def write_cursor(key: object) -> str:
    """The cursor after the item with this sort key: anything JSON can say.

    >>> read_cursor(write_cursor("s3://a"), str)
    's3://a'
    """
    text = msgspec.json.encode(key)
    return urlsafe_b64encode(_checksum(text) + text).rstrip(b"=").decode()


def read_cursor(cursor: str | None, kind: type[Key]) -> Key | None:
    """The sort key in a cursor, None for no cursor.

    Raises:
        Invalid: it is not a cursor, or the cursor of another list.
    """
    if cursor is None:
        return None
    try:
        packed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        text = packed[_CHECKSUM_BYTES:]
        if packed[:_CHECKSUM_BYTES] != _checksum(text) or urlsafe_b64encode(packed).rstrip(b"=").decode() != cursor:
            raise _invalid(cursor)
        return msgspec.json.decode(text, type=kind)
    except (binascii.Error, ValueError):
        raise _invalid(cursor) from None


def page(
    rows: Sequence[Row],
    limit: int,
    at: int,
    key: Callable[[Row], object],
    read: Callable[[Sequence[Row]], list[Item]],
) -> Page[Item]:
    """A page of at most `limit` items.

    Args:
        rows: at most `limit` + 1 rows; one too many says that there is a next page.
        at: the position the list is read at.
        key: the sort key of a row.
        read: the items of the rows that are shown.
    """
    shown = rows[:limit]
    following = write_cursor(key(shown[-1])) if len(rows) > limit else None
    return Page(items=read(shown), next=following, position=format_position(at))


def _checksum(text: bytes) -> bytes:
    return zlib.crc32(text).to_bytes(_CHECKSUM_BYTES)


def _invalid(cursor: str) -> Invalid:
    return Invalid(
        "The cursor is not one that this list gave.",
        code="invalid-cursor",
        field="cursor",
        value=cursor,
        rule="a cursor is the `next` of the same list, unchanged",
        hint="Begin again without a cursor.",
    )
