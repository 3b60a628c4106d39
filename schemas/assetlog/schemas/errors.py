"""What can go wrong, sorted by whose move is next.

    AssetlogError
    ├── Invalid        the caller mends what was sent
    │   └── TooLarge   the caller sends less
    ├── Forbidden      the caller lacks the right
    ├── NotFound       the caller names something that is not there
    ├── Conflict       the caller decides which of two facts holds
    ├── Unavailable    the caller waits and tries again
    └── Broken         the operator acts; the detail says how

Everything else is a bug: it leaves the process as "internal" without its text.
HTTP statuses live in one table in the catalog, not here.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

SHOWN_VALUE_LENGTH = 200

_URL_PARTS = re.compile(r"([/?#])")
_JSON_STARTS = ("{", "[", '"')


class AssetlogError(Exception):
    """Something went wrong. The class says whose move is next; `code` is stable and made for machines.

    Args:
        detail: what happened, in one sentence; the class docstring's first line unless given.
        code: a stable kebab-case word for scripts.
        hint: what to do about it.
        field: the JSON path of the culprit, e.g. ``data.upstream[0]``.
        value: the culprit itself; shown shortened, never a secret.
        rule: the rule that it breaks.
    """

    code: str = "error"
    hint: str = ""

    def __init__(
        self,
        detail: str | None = None,
        *,
        code: str | None = None,
        hint: str | None = None,
        field: str | None = None,
        value: Any = None,
        rule: str | None = None,
    ) -> None:
        self.detail: str = detail or (self.__doc__ or "").strip().splitlines()[0]
        self.code = code or self.code
        self.hint = self.hint if hint is None else hint
        self.field = field
        self.value: str | None = shown(value)
        self.rule = rule
        super().__init__(self.detail)

    def __str__(self) -> str:
        return f"{self.detail} {self.hint}".strip()


class Invalid(AssetlogError):
    """What was sent breaks a rule; mend it and send it again."""

    code = "invalid"


class TooLarge(Invalid):
    """What was sent is larger than the limit; send less at a time."""

    code = "too-large"


class Forbidden(AssetlogError):
    """This caller may not do that."""

    code = "forbidden"


class NotFound(AssetlogError):
    """There is nothing under that name."""

    code = "not-found"


class Conflict(AssetlogError):
    """It contradicts what is already recorded."""

    code = "conflict"


class Unavailable(AssetlogError):
    """Not now; the same request may succeed later."""

    code = "unavailable"


class Broken(AssetlogError):
    """assetlog cannot go on without its operator."""

    code = "broken"


def shown(value: Any) -> str | None:
    """A value as an error shows it: at most 200 characters of it, without passwords; None for no value.

    >>> shown("x" * 300)[-1], shown(PurePath("/data/log"))
    ('…', '/data/log')
    """
    if value is None:
        return None
    text = masked(str(value) if isinstance(value, str | PurePath) else repr(value))
    return text if len(text) <= SHOWN_VALUE_LENGTH else text[:SHOWN_VALUE_LENGTH] + "…"


def masked(text: str) -> str:
    """A text with the passwords of its URLs struck out: errors reach logs, answers and the quarantine.

    >>> masked("postgres://me:secret@host/db")
    'postgres://me:…@host/db'
    """
    if "@" not in text:
        return text
    first, *others = _URL_PARTS.split(text)
    first = first if first.startswith(_JSON_STARTS) else _without_password(first)
    return first + "".join(map(_without_password, others))


def _without_password(part: str) -> str:
    user_info, at, host = part.rpartition("@")
    user, colon, _ = user_info.partition(":")
    return f"{user}:…@{host}" if at and colon else part
