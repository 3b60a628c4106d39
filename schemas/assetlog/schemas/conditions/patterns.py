"""Key patterns: which keys `s3://raw/*` matches, in time that grows with the key's length only.

``*`` stands for any text without ``/``, ``**`` for any text, ``?`` for one character that is not ``/``. A segment that
is ``**`` may be absent: ``s3://raw/**/x.csv`` matches ``s3://raw/x.csv``. Matching follows all readings of the pattern
at once, one bit each: no pattern can make it slow, as some make a regular expression.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from assetlog.schemas.errors import Invalid
from assetlog.schemas.keys import canonical_key

WILDCARDS = "*?"

_TOKENS = re.compile(
    r"(?P<folders>(?<=/)(?:\*\*+/)+)|(?P<any>\*\*+)|(?P<star>\*)|(?P<one>\?)|(?P<text>[^*?])", re.DOTALL
)


class Matcher(NamedTuple):
    """A pattern ready to match. Bit i of a mask is the state in which the first i steps of the pattern are done."""

    prefix: str
    """What every matching key begins with."""
    letters: dict[str, int]
    """By character: the states that go on by it."""
    ones: int
    """The states that go on by any character but ``/``."""
    stars: int
    """The states that stay by any character but ``/``, and may go on without one."""
    anys: int
    """The states that stay by any character, and may go on without one."""
    folders: int
    """The states before ``**/``, which may skip it: two steps."""
    end: int
    """The state in which the whole pattern is done."""

    def matches(self, key: str) -> bool:
        """Whether the whole key matches."""
        if not key.startswith(self.prefix):
            return False
        skips, letters = self.stars | self.anys, self.letters
        states = self._entered(1 << len(self.prefix))
        for character in key[len(self.prefix) :]:
            going_on = states & letters.get(character, 0)
            staying = states & self.anys
            if character != "/":
                going_on |= states & self.ones
                staying |= states & self.stars
            states = going_on << 1 | staying
            if self.folders:
                states = self._entered(states)
            else:
                states |= (states & skips) << 1
            if not states:
                return False
        return bool(states & self.end)

    def _entered(self, states: int) -> int:
        """The states, and those that are reached from them without a character."""
        folders = states & self.folders
        states |= folders << 1 | folders << 3
        return states | (states & (self.stars | self.anys)) << 1


@lru_cache(maxsize=4096)
def matcher(pattern: str) -> Matcher:
    """A pattern ready to match; what was made is kept.

    >>> matcher("s3://raw/*").matches("s3://raw/a.csv"), matcher("s3://raw/*").matches("s3://raw/day/a.csv")
    (True, False)
    """
    letters: dict[str, int] = {}
    masks = dict.fromkeys(("one", "star", "any", "folders"), 0)
    place = 0
    for token in _TOKENS.finditer(pattern):
        kind = str(token.lastgroup)
        bit = 1 << place
        if kind == "text":
            letters[token[0]] = letters.get(token[0], 0) | bit
        else:
            masks[kind] |= bit
        if kind == "folders":  # then any text, then "/"
            masks["any"] |= bit << 1
            letters["/"] = letters.get("/", 0) | bit << 2
        place += 3 if kind == "folders" else 1
    return Matcher(
        literal_prefix(pattern), letters, masks["one"], masks["star"], masks["any"], masks["folders"], 1 << place
    )


def literal_prefix(pattern: str) -> str:
    """What every key that matches begins with: an index can find patterns by it.

    >>> literal_prefix("s3://raw/2026-*")
    's3://raw/2026-'
    """
    return re.split(r"[*?]", pattern, maxsplit=1)[0]


def canonical_pattern(pattern: str) -> str:
    """The one spelling of a pattern, whose scheme is in lower case as every canonical key's is.

    Raises:
        Invalid: it has no wildcard, a wildcard in the scheme, or no key can match it.
    """
    scheme, separator, rest = pattern.partition("://")
    if not any(wildcard in rest for wildcard in WILDCARDS) or any(wildcard in scheme for wildcard in WILDCARDS):
        raise _invalid(
            pattern, "a pattern is a key with *, ** or ? after its scheme", "For a single asset use Asset(key)."
        )
    if "#" in rest or rest.endswith("/"):
        raise _invalid(pattern, "no key has a fragment, or a slash at its end", "Write it like s3://raw/*.")
    try:
        canonical_key(f"{scheme}{separator}{re.sub('[*?]', 'x', rest)}")
    except Invalid as error:
        raise _invalid(pattern, str(error.rule), error.hint) from None
    return f"{scheme.lower()}{separator}{rest}"


def _invalid(pattern: str, rule: str, hint: str) -> Invalid:
    shown = None if "password" in rule else pattern
    return Invalid(
        f"This is no pattern of keys: {rule}.",
        code="invalid-condition",
        field="pattern",
        value=shown,
        rule=rule,
        hint=hint,
    )
