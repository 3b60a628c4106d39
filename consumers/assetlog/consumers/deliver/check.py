"""What is refused of a target when a consumer is registered: no secret may get into the log, which is for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from assetlog.consumers.deliver.guard import check_host
from assetlog.consumers.deliver.rules import Rules
from assetlog.consumers.deliver.secrets import check_place, place_in
from assetlog.schemas.errors import Invalid
from assetlog.schemas.secrets import names_a_secret, without_secrets
from assetlog.schemas.targets import AnyTarget, PythonTarget, StreamTarget, WebhookTarget

PLACES: Final = ("secret", "token", "password", "api_key", "basic_auth")
"""Fields that hold a secret's place."""
RESERVED: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "accept-encoding"}
    | {"webhook-id", "webhook-timestamp", "webhook-signature"}
)
"""Headers that a target may not set itself."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


def check_target(target: AnyTarget, rules: Rules) -> None:
    """Refuse a target that holds a secret, names one it may not, or plainly leads where it may not.

    A host's addresses are looked at when something is delivered, not here.

    Raises:
        Invalid: it holds something that looks like a secret, or its URL or a header is none.
        Forbidden: the node does not let targets name that secret, or reach that host.

    >>> check_target(WebhookTarget(url="https://example.com/hook?token=hunter2"), Rules())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    assetlog.schemas.errors.Invalid: target.url looks like it holds a secret. Put it on the node...
    """
    if isinstance(target, PythonTarget | StreamTarget):
        return
    if isinstance(target, WebhookTarget):
        _check_headers(target.headers, rules)
    _check_url(target, rules)
    for name in PLACES:
        place = getattr(target, name, None)
        if place is not None:
            check_place(rules, place, f"target.{name}")
    for path, name, text in _texts(msgspec.to_builtins(target), "target", ""):
        if without_secrets(text) != text or (names_a_secret(name) and place_in(text) is None):
            raise _holds_secret(path)


def _check_url(target: Any, rules: Rules) -> None:
    url: str = target.url
    if not url.startswith("http"):
        check_place(rules, url, "target.url")
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise _invalid_url(str(error)) from None
    if not host or any(character.isspace() or not character.isprintable() for character in url):
        raise _invalid_url("it names no host, or has white space")
    if parts.username is not None or parts.password is not None:
        raise _invalid_url("it holds a user or a password; name those by their places, in headers or fields")
    if (parts.query or parts.fragment) and not isinstance(target, WebhookTarget):
        raise _invalid_url("it is the API's address, without ? and #")
    check_host(rules, host, private=getattr(target, "allow_private", True))


def _check_headers(headers: dict[str, str], rules: Rules) -> None:
    for name, value in headers.items():
        field = f"target.headers.{name}"
        if not _HEADER.fullmatch(name) or name.lower() in RESERVED:
            raise _invalid_header(field, "a header's name is a token, and none that the delivery itself sets")
        if not _HEADER_VALUE.fullmatch(value):
            raise _invalid_header(field, "a header's value has printable ASCII characters only")
        place = place_in(value)
        if place is not None:
            check_place(rules, place["place"], field)


def _texts(value: Any, path: str, name: str) -> Iterator[tuple[str, str, str]]:
    """Every text in a target: where it is, the name it stands under, and itself."""
    if isinstance(value, str):
        yield path, name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield f"{path}.{key}", "", str(key)
            yield from _texts(inner, f"{path}.{key}", str(key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _texts(inner, f"{path}[{place}]", name)


def _holds_secret(path: str) -> Invalid:
    return Invalid(
        f"{path} looks like it holds a secret.",
        code="secret-in-target",
        field=path,
        rule="a target names the places of its secrets, since it is kept in the log for ever",
        hint="Put it on the node, e.g. into the variable ASSETLOG_SECRET_NAME, and name env:ASSETLOG_SECRET_NAME where "
        "the target takes a secret; what a run needs itself belongs to the other system's own secrets.",
    )


def _invalid_url(why: str) -> Invalid:
    return Invalid(
        f"The target's URL breaks a rule: {why}.",
        code="invalid-target",
        field="target.url",
        rule="a URL has http:// or, better, https://, a host and no user information",
        hint="Write it like https://example.com/hook.",
    )


def _invalid_header(field: str, rule: str) -> Invalid:
    hint = "Leave it out or mend it."
    return Invalid(f"{field} breaks a rule: {rule}.", code="invalid-target", field=field, rule=rule, hint=hint)
