"""What transports say about single events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from assetlog.schemas.errors import AssetlogError

if TYPE_CHECKING:
    from assetlog.schemas.shapes import Rejected


class _Id(Struct, gc=False):
    id: str = ""


_id_decoder = msgspec.json.Decoder(_Id)


def event_id(raw: bytes) -> str:
    """An event's id, empty where the bytes have none.

    >>> event_id(b'{"id": "1"}')
    '1'
    """
    try:
        return _id_decoder.decode(raw).id
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


def said(error: Exception) -> str:
    """What a library's error says, as part of a sentence."""
    return str(error).rstrip(".") or type(error).__name__


def rejection(index: int, error: AssetlogError) -> Rejected:
    """An error as the receipt's refusal of one event."""
    from assetlog.schemas.shapes import Rejected

    return Rejected(
        index=index,
        code=error.code,
        detail=error.detail,
        field=error.field,
        value=error.value,
        rule=error.rule,
        hint=error.hint or None,
    )
