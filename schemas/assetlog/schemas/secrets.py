"""Secrets in what people write into events: found by the name they stand under or by their looks, and struck out.

The log is for ever, so this comes before an event is stored. It is deterministic: the same bytes give the same
bytes, so that a retry is still the duplicate it is. Only free texts are looked at (metadata, errors, descriptions,
content), never keys, ids or the run; everything else of the event's bytes stays as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec
from msgspec import Raw

from assetlog.schemas.codec import Event
from assetlog.schemas.events import EVENT_TYPES
from assetlog.schemas.events.common import EMPTY

REDACTED = "[redacted]"
"""Stands where a secret stood."""

FREE = frozenset(
    {"metadata", "extra", "error", "traceback", "reason", "description", "data", "event", "understood", "tags", "url"}
)
"""The fields of `data` that hold what people write."""

_NEEDLES = tuple(
    b"pass pwd secret token key credential auth cookie bearer akia asia eyj -----begin @ asl_ ghp_ \\u".split()
)
"""One of these is in every text that holds a secret; no needle has a digit."""

_SHORT = 512
_DIGITS = b"0123456789"
_HEX = b"0123456789abcdefABCDEF"
_STUMPS = tuple(needle.translate(None, _HEX) for needle in _NEEDLES)
"""What is left of the needles in a text without its hexadecimal digits; none is empty."""

_NAME = re.compile(
    r"(?:password|passwd|passphrase|passcode|pwd|secrets?|token|cookie|credentials?|authorization|connectionstring"
    r"|(?:secret|api|access|private|signing|encryption|auth|account|storage)key)\Z"
)
_NOT_OF_A_NAME = re.compile(r"[^a-z0-9]")

_PATTERNS = (
    (("-----BEGIN",), r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)"),
    (("eyJ",), r"(?a)(?<![\w-])eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # a JSON Web Token
    (("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),  # an AWS access key's id
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"\bgh[pousr]_[A-Za-z0-9]{36,}"),
    (("asl_",), r"(?a)\basl_[0-9a-f]+_[\w-]{20,}"),  # a token of assetlog
    (("@",), r"(?<=://)(?P<keep>[^\s/?#@:\"]*:)[^\s/?#@\"]+(?=@)"),  # a URL's user:password@
    (("earer",), r"(?a)(?P<keep>\b[Bb]earer\s+)(?=\S*\d)[\w.~+/-]{16,}=*"),
    (
        ("=",),
        r"(?i)(?P<keep>\b(?:password|passwd|pwd|secret|token|api_?key|access_?key)\s*=\s*)(?!\[redacted\])[^\s&;,'\"<>]+",
    ),
)
"""What secrets look like: the pattern, and texts of which one is in every text that it matches."""
_COMPILED = tuple((needles, re.compile(pattern)) for needles, pattern in _PATTERNS)
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_string = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode
_free_of = {
    event_type.data: tuple(name for name in event_type.data.__struct_fields__ if name in FREE)
    for event_type in EVENT_TYPES.values()
}


class Redaction(NamedTuple):
    """An event's bytes without secrets."""

    raw: bytes
    struck: int
    """How many values were struck out."""


def redact(raw: bytes, event: Event) -> Redaction:
    """An event's bytes without the secrets in its free texts; the very same bytes where there are none.

    Args:
        raw: the event's bytes.
        event: what they say.

    >>> from assetlog.schemas.codec import decode
    >>> raw = (b'{"specversion":"1.0","id":"1","source":"doc","type":"asset.observed","subject":"s3://a",'
    ...        b'"data":{"metadata":{"rows":1,"db_password":"hunter2"}}}')
    >>> redact(raw, decode(raw)).raw[-38:]
    b'"rows":1,"db_password":"[redacted]"}}}'
    """
    if not suspicious(raw, event):
        return Redaction(raw, 0)
    parts: list[bytes] = []
    start = count = 0
    for span in _findings(raw):
        parts += (raw[start : span.start], _encode(span.text))
        start, count = span.end, count + 1
    if not count:
        return Redaction(raw, 0)
    parts.append(raw[start:])
    return Redaction(b"".join(parts), count)


def suspicious(raw: bytes, event: Event) -> bool:
    """Whether a closer look is worth its time: most events are done here."""
    data = event.data
    if data is None:  # a newer version than we know
        return _has_needle(raw)
    for name in _free_of[type(data)]:
        value = getattr(data, name)
        if value is None or value is EMPTY:
            continue
        if isinstance(value, Raw):
            text = bytes(value)
        elif isinstance(value, str):
            text = value.encode()
        else:
            text = _encode(value)
        if _has_needle(text):
            return True
    return False


def without_secrets(text: str) -> str:
    """A text with what looks like a secret struck out.

    >>> without_secrets("no connection to postgres://me:hunter2@db/shop")
    'no connection to postgres://me:[redacted]@db/shop'
    """
    for needles, pattern in _COMPILED:
        if any(needle in text for needle in needles):
            text = pattern.sub(_struck, text)
    return text


def names_a_secret(name: str) -> bool:
    """Whether what stands under a name is a secret by that name.

    >>> names_a_secret("DB_PASSWORD"), names_a_secret("apiKey"), names_a_secret("max_tokens")
    (True, True, False)
    """
    return _NAME.search(_NOT_OF_A_NAME.sub("", name.lower())) is not None


class _Span(NamedTuple):
    start: int
    end: int
    text: str
    """What comes in its place."""


class _Level:
    """An object or array around the token that is looked at."""

    __slots__ = ("free", "in_name", "is_object", "name", "secret")

    def __init__(self, is_object: bool, free: bool, secret: bool) -> None:
        self.is_object = self.in_name = is_object
        self.free = free
        self.secret = secret
        self.name = ""


def _has_needle(text: bytes) -> bool:
    if len(text) > _SHORT:
        return _search(text)
    # texts of one producer often differ in their numbers and checksums only, and so are known without them
    return _has_stump(text.translate(None, _HEX)) and _known_search(text.translate(None, _DIGITS))


def _search(text: bytes, needles: tuple[bytes, ...] = _NEEDLES) -> bool:
    text = text.lower()
    return any(needle in text for needle in needles)


@lru_cache(2048)
def _has_stump(text: bytes) -> bool:
    return _search(text, _STUMPS)


_known_search = lru_cache(2048)(_search)


def _struck(match: re.Match[str]) -> str:
    return f"{match.groupdict().get('keep') or ''}{REDACTED}"


def _findings(raw: bytes) -> Iterator[_Span]:
    """Every value that is to be replaced, in its order. `raw` is well-formed."""
    levels: list[_Level] = []
    for token in _TOKEN.finditer(raw):
        text = token[0]
        level = levels[-1] if levels else None
        if text in (b"{", b"["):
            levels.append(_Level(text == b"{", _is_free(levels), _is_secret(level)))
        elif text in (b"}", b"]"):
            levels.pop()
        elif text in (b":", b","):
            if level is not None and level.is_object:
                level.in_name = text == b","
        elif level is not None and level.in_name:
            level.name = _string.decode(text)
        elif _is_free(levels):
            new = _replacement(text, _is_secret(level))
            if new is not None:
                yield _Span(token.start(), token.end(), new)


def _is_free(levels: list[_Level]) -> bool:
    """Whether the value at hand is in a free text: below `data.<a free field>`."""
    if not levels:
        return False
    return levels[-1].free or (len(levels) == 2 and levels[0].name == "data" and levels[1].name in FREE)


def _is_secret(level: _Level | None) -> bool:
    return level is not None and (level.secret or (level.is_object and names_a_secret(level.name)))


def _replacement(token: bytes, secret: bool) -> str | None:
    """What takes the place of a value; None where it stays."""
    if not token.startswith(b'"'):
        return REDACTED if secret and token not in (b"null", b"true", b"false") else None
    text = _string.decode(token)
    if secret:
        return None if text in ("", REDACTED) else REDACTED
    clean = without_secrets(text)
    return None if clean == text else clean
