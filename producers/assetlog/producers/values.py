"""Users' values as JSON. What can't be encoded is written as text or cut, with a note; nothing here raises."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from assetlog.schemas.errors import Invalid
from assetlog.schemas.events.common import EMPTY
from assetlog.schemas.nesting import too_deep

METADATA_BYTES = 768 << 10
"""Most bytes of one event's metadata; the rest of its 1 MiB is for the event itself."""
NAME_LENGTH = 1500
ERROR_LENGTH = 8_192
TRACEBACK_LENGTH = 32_768
DEPTH = 28
"""Levels of a user's value; the event around it adds its own to the codec's limit of 32."""

AS_TEXT = "assetlog.as_text"
"""Metadata: types of values that JSON lacks, which stand as text."""
NOT_FINITE = "assetlog.not_finite"
"""Metadata: NaN or Infinity became null."""
TRUNCATED = "assetlog.truncated"
"""Metadata: something was left out because of its size."""
DROPPED = "assetlog.dropped"
"""Metadata: what was left out, and its bytes."""

_encoder = msgspec.json.Encoder()


def metadata_raw(metadata: Mapping[str, Any] | None) -> Raw:
    """Metadata as an event holds it, with notes on what was changed.

    >>> bytes(metadata_raw({"rows": 2, "mean": float("nan")}))
    b'{"rows":2,"mean":null,"assetlog.not_finite":true}'
    """
    if not metadata:
        return EMPTY
    raw, notes = to_json(metadata)
    if len(raw) > METADATA_BYTES:
        return Raw(_cut(metadata))
    return Raw(_with_notes(raw, notes))


def check_metadata(metadata: object, name: str = "metadata") -> None:
    """Refuse metadata that is no mapping: a programming error.

    Raises:
        Invalid: it is something else.
    """
    if not isinstance(metadata, Mapping):
        raise Invalid(
            f"{name} is a {type(metadata).__name__}, not a mapping.",
            code="invalid-data",
            field=f"data.{name}",
            value=metadata,
            rule=f"{name} is a mapping of names to values",
            hint='Write it like {"rows": 1024}.',
        )


def to_json(value: Any) -> tuple[bytes, dict[str, Any]]:
    """A value's JSON, and notes on what JSON could not say."""
    try:
        raw = _encoder.encode(value)
        if b"null" not in raw and not too_deep(raw, DEPTH):
            return raw, {}
    except Exception:  # noqa: S110 - users' objects raise anything; they are taken apart below
        pass
    types: set[str] = set()
    notes: dict[str, Any] = {}
    try:
        raw = _encoder.encode(_plain(value, types, notes, 0))
    except Exception:
        raw = _encoder.encode({"assetlog.unreadable": type(value).__name__})
    return raw, notes | ({AS_TEXT: sorted(types)} if types else {})


def _plain(value: Any, types: set[str], notes: dict[str, Any], depth: int) -> Any:  # noqa: PLR0911 - one line a kind
    """A value made of what JSON knows."""
    if value is None or isinstance(value, bool | Raw):
        return value
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, float):
        finite = math.isfinite(value)
        notes |= {} if finite else {NOT_FINITE: True}
        return float(value) if finite else None
    if isinstance(value, int) and abs(value) < 1 << 63:
        return int(value)
    if depth < DEPTH and isinstance(value, Mapping):
        return {safe_text(key): _plain(item, types, notes, depth + 1) for key, item in list(value.items())}
    if depth < DEPTH and isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, types, notes, depth + 1) for item in value]
    return _foreign(value, types, notes, depth)


def _foreign(value: Any, types: set[str], notes: dict[str, Any], depth: int) -> Any:
    """An object of a library: numbers and arrays by their own conversion, dates by msgspec's, the rest as text."""
    convert = getattr(value, "tolist", None)
    if callable(convert) and depth < DEPTH:
        inner = _attempt(convert)
        if isinstance(inner, int | float | str | list):
            return _plain(inner, types, notes, depth + 1)
    known = _attempt(lambda: msgspec.to_builtins(value, str_keys=True))
    if known is not None and depth < DEPTH and not isinstance(known, int):
        return _plain(known, types, notes, depth + 1)
    types.add(f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins."))
    return safe_text(value)


def _attempt(convert: Callable[[], Any]) -> Any:
    try:
        return convert()
    except Exception:  # a user's object; None says it could not
        return None


def safe_text(value: object, length: int = 65_536) -> str:
    """Text of any object, cut at a length; never raises.

    >>> safe_text(3)
    '3'
    """
    try:
        text = str(value)
    except Exception:  # a user's __str__
        text = f"<{type(value).__name__}>"
    return cut(text.encode(errors="replace").decode(), length)


def cut(text: str, length: int) -> str:
    """Text of at most a length, its end marked where it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def cut_front(text: str, length: int) -> str:
    """Text of at most a length that keeps its end, as tracebacks need."""
    return text if len(text) <= length else "…" + text[len(text) - length + 1 :]


def error_text(error: BaseException) -> str:
    """What an event says of an exception, e.g. `ValueError: no rows`."""
    said = safe_text(error, ERROR_LENGTH - 200)
    name = type(error).__qualname__[:190]
    return f"{name}: {said}" if said else name


def traceback_text(error: BaseException) -> str:
    """An exception's traceback, from the caller's frame on."""
    import traceback

    frames = error.__traceback__
    below = frames.tb_next if frames is not None else None
    lines = traceback.format_exception(type(error), error, below or frames)
    return cut_front(safe_text("".join(lines), 1 << 20), TRACEBACK_LENGTH)


def _with_notes(raw: bytes, notes: Mapping[str, Any]) -> bytes:
    return raw[:-1] + b"," + _encoder.encode(notes)[1:] if notes else raw


def _cut(metadata: Mapping[str, Any]) -> bytes:
    """Metadata without its largest entries, which are named."""
    encoded = {safe_text(name, NAME_LENGTH): to_json(value)[0] for name, value in metadata.items()}
    kept: dict[str, Raw] = {}
    dropped: dict[str, int] = {}
    room = METADATA_BYTES - 65_536
    for name, raw in _smallest_first(encoded.items()):
        room -= len(raw) + len(name) * 6 + 4
        if room > 0:
            kept[name] = Raw(raw)
        elif len(dropped) < 20:
            dropped[name[:100]] = len(raw)
    in_order = {name: kept[name] for name in encoded if name in kept}
    return _encoder.encode({**in_order, TRUNCATED: True, DROPPED: dropped})


def _smallest_first(items: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return sorted(items, key=lambda item: len(item[1]))
