"""How deep JSON is nested, without decoding it: a decoder would recurse first."""

from __future__ import annotations

import re

MAX_DEPTH = 32

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TO_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")


def too_deep(raw: bytes, limit: int = MAX_DEPTH) -> bool:
    """Whether JSON text nests deeper than a limit. Exact for well-formed JSON; a decoder judges the rest.

    >>> too_deep(b"[" * 33 + b"]" * 33), too_deep(b'["[[[[[["]', 1)
    (True, False)
    """
    if raw.count(b"{") + raw.count(b"[") <= limit:
        return False
    brackets = _STRING.sub(b"", raw).translate(_TO_BRACKETS, _NOT_BRACKETS)
    for _ in range(limit):  # each pass takes away the innermost level
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)
