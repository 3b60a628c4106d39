"""Secrets by their place on the node, `env:NAME` or `file:/path`: found at delivery, kept nowhere, shown to nobody."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from assetlog.consumers.deliver.rules import Rules
from assetlog.schemas.errors import AssetlogError, Broken, Forbidden
from assetlog.schemas.secrets import REDACTED, without_secrets

MAX_BYTES: Final = 65_536
SHORTEST_STRUCK: Final = 4
"""Characters of the shortest secret that is struck out of texts: shorter ones are in every text."""

_PLACE = re.compile(r"(?P<before>\S+ )?(?P<place>(?P<kind>env|file):(?P<name>.+))", re.DOTALL)
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class Secrets:
    """The secrets of one delivery. What was looked up is struck out of errors.

    >>> secrets = Secrets(Rules(environment={"ASSETLOG_SECRET_API": "hunter2"}))
    >>> secrets.find("env:ASSETLOG_SECRET_API", "target.token")
    'hunter2'
    >>> secrets.struck("401: hunter2 is unknown")
    '401: [redacted] is unknown'
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._known: set[str] = set()

    def find(self, place: str, field: str) -> str:
        """The secret at a place, without white space around it.

        Raises:
            Broken: there is nothing; the error names the variable or the file.
            Forbidden: the node's settings do not let targets name it.
        """
        check_place(self._rules, place, field)
        kind, _, name = place.partition(":")
        value = self._rules.environment.get(name, "") if kind == "env" else _read(name, place, field)
        value = value.strip()
        if not value:
            raise missing(place, field, "it is not set" if kind == "env" else "it is empty")
        self._known.update((value, *value.split()))
        return value

    def header(self, value: str, field: str) -> str:
        """A header's value, with the secret in the stead of its place.

        Raises:
            Broken: the secret is missing, or cannot stand in a header.
        """
        match = place_in(value)
        if match is None:
            return value
        found = self.find(match["place"], field)
        if not _HEADER_VALUE.fullmatch(found):
            raise missing(match["place"], field, "it has line breaks or characters that no header may have")
        return (match["before"] or "") + found

    def learn(self, value: str) -> str:
        """Strike a value out from now on, too, e.g. a token that was asked for; the value."""
        self._known.add(value)
        return value

    def struck(self, text: str) -> str:
        """A text without the secrets that were looked up, and without what looks like one."""
        for secret in sorted(self._known, key=len, reverse=True):
            if len(secret) >= SHORTEST_STRUCK:
                text = text.replace(secret, REDACTED)
        return without_secrets(text)


def place_in(value: str) -> re.Match[str] | None:
    """The secret's place in a header's value; None if it is a plain value.

    >>> place_in("Bearer env:API_TOKEN")["name"]
    'API_TOKEN'
    """
    return _PLACE.fullmatch(value)


def check_place(rules: Rules, place: str, field: str) -> None:
    """Refuse a place that targets may not name: who may register consumers must not read all that the node can.

    Raises:
        Forbidden: no pattern of the node's settings allows it.
    """
    kind, _, name = place.partition(":")
    if kind == "file" and not Path(name).is_absolute():
        raise _forbidden(place, field, "a file is named by its absolute path")
    if not rules.allows_secret(os.path.realpath(name) if kind == "file" else name):
        raise _forbidden(place, field, f"this node lets targets name {', '.join(rules.secrets) or 'nothing'}")


def missing(place: str, field: str, why: str) -> AssetlogError:
    """The error of a secret that cannot be had."""
    return Broken(
        f"The secret {place} is not to be had: {why}.",
        code="secret-missing",
        field=field,
        value=place,
        rule="every node that delivers holds the secrets that targets name",
        hint="Set it in the environment of the node and start it again; a file is read at every delivery.",
    )


def _read(name: str, place: str, field: str) -> str:
    try:
        with Path(name).open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode()
    except OSError as error:
        raise missing(place, field, error.strerror or type(error).__name__) from None
    except UnicodeDecodeError:
        raise missing(place, field, "it is not text in UTF-8") from None
    if len(raw) > MAX_BYTES:
        raise missing(place, field, f"it is longer than {MAX_BYTES:,} bytes")
    return text


def _forbidden(place: str, field: str, why: str) -> Forbidden:
    return Forbidden(
        f"The target may not name {place}: {why}.",
        code="secret-not-allowed",
        field=field,
        value=place,
        rule="targets name the environment variables and files that the node's settings allow",
        hint="Name it so, or let the node's operator allow it with ASSETLOG_TARGETS_SECRETS.",
    )
