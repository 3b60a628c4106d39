"""The key rule: which text names an asset, and which texts name the same one.

`KEY_RULE_VERSION` is part of the projection's fold version: a changed rule means a rebuild.
The rule accepts what Prefect 3.9 and Airflow 3.3 accept as asset keys, and schemes with ``+ - .``.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from assetlog.schemas.errors import Invalid, masked

KEY_RULE_VERSION = 1
MAX_KEY_LENGTH = 1500
MAX_ARTIFACT_KEY_LENGTH = 255

_SCHEME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*")
_ARTIFACT_KEY = re.compile(r"[a-z0-9-]+")
_PLAIN = re.compile(r'[a-z0-9][a-z0-9+.-]*://(?:[!"$->A-~]*[!"$-.0->A-~])?').fullmatch
"""Most keys: printable ASCII, scheme in lower case, no query, fragment or user info, no slash at the end."""
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@lru_cache(maxsize=65_536)
def canonical_key(key: str) -> str:
    """The one spelling of an asset key: scheme in lower case, no fragment, no trailing slash, query sorted.

    Host and path keep their case: object stores and databases tell them apart.

    Raises:
        Invalid: the key is empty, over 1,500 characters, not a URI, has hidden characters,
            outer white space or a password.

    >>> canonical_key("S3://Lake/orders/?b=2&a=1#top")
    's3://Lake/orders?a=1&b=2'
    """
    if len(key) <= MAX_KEY_LENGTH and _PLAIN(key):
        return key
    return _respelt(key)


def _respelt(key: str) -> str:
    """The canonical spelling of any key."""
    _refuse_outside(key, key)
    _refuse_hidden(key)
    scheme, rest = _split_scheme(key)
    _refuse_password(rest)
    rest, _, _ = rest.partition("#")
    path, _, query = rest.partition("?")
    trimmed = path.rstrip("/") or ("/" if path.startswith("/") else "")
    pairs = sorted(pair for pair in query.split("&") if pair)
    canonical = f"{scheme.lower()}://{trimmed}" + (f"?{'&'.join(pairs)}" if pairs else "")
    _refuse_outside(canonical, key)  # what was dropped may have stood between white space and the end
    return canonical


def check_artifact_key(key: str) -> str:
    """An artifact's key, unchanged: lower-case letters, digits and dashes (Prefect's rule), 1 to 255 long."""
    if not _ARTIFACT_KEY.fullmatch(key) or len(key) > MAX_ARTIFACT_KEY_LENGTH:
        raise Invalid(
            f"Artifact key {key[:60]!r} is not allowed.",
            code="invalid-artifact-key",
            field="subject",
            value=key,
            rule="an artifact key has 1 to 255 lower-case letters, digits and dashes",
            hint="Write it like daily-report.",
        )
    return key


def _refuse_outside(spelling: str, key: str) -> None:
    """Refuse a spelling of a key that is empty, too long, or begins or ends with white space."""
    if not spelling:
        raise _invalid(key, "a key is not empty")
    if len(spelling) > MAX_KEY_LENGTH:
        raise _invalid(key, f"a key has at most {MAX_KEY_LENGTH} characters; this one has {len(spelling)}")
    if spelling != spelling.strip():
        raise _invalid(key, "a key neither begins nor ends with white space")


def _refuse_hidden(key: str) -> None:
    if key.isascii() and key.isprintable():
        return
    for place, character in enumerate(key):
        if unicodedata.category(character) in _HIDDEN:
            rule = f"a key has no control or invisible characters; U+{ord(character):04X} stands at {place}"
            raise _invalid(key, rule)


def _split_scheme(key: str) -> tuple[str, str]:
    scheme, separator, rest = key.partition("://")
    if not separator and key[:6].lower() == "file:/":  # Airflow's short form of file:///path
        return "file", key[5:]
    if not separator:
        raise _invalid(key, "a key is a URI with ://")
    if not _SCHEME.fullmatch(scheme):
        raise _invalid(key, "a key's scheme has only letters, digits, +, - and .")
    return scheme, rest


def _refuse_password(rest: str) -> None:
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user_info, at, _ = authority.rpartition("@")
    if at and ":" in user_info:
        raise Invalid(
            "The key holds a password, which must never be stored.",
            code="invalid-key",
            field="key",
            rule="a key has no password in its user info",
            hint="Drop user:password@ from the key; connections are not part of an asset's name.",
        )


def _invalid(key: str, rule: str) -> Invalid:
    return Invalid(
        f"{masked(key)[:80]!r} is not an asset key: {rule}.",
        code="invalid-key",
        field="key",
        value=key,
        rule=rule,
        hint="A key is a URI such as s3://bucket/path or postgres://host/db/schema/table.",
    )
