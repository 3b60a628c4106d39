"""Tokens: what one says, how one is made, and how it is recognised again.

`asl_<id>_<secret>`: the id names the token in lists and logs, the secret is 256 random bits. Kept is the secret's
SHA-256: a slow hash protects what can be guessed, and nobody guesses 256 bits; so a check costs a microsecond.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, get_args

from msgspec import Struct

from assetlog.schemas.errors import Invalid
from assetlog.schemas.keys import canonical_key
from assetlog.schemas.shapes import Shape
from assetlog.schemas.times import format_time, parse_time

Scope = Literal["events:write", "catalog:read", "consumers:write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
START = "asl"
MAX_NAME_LENGTH = 100

_TOKEN = re.compile(r"asl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_AGE = re.compile(r"(\d{1,5})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SAMPLE = "x"


class Token(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A token as the log server keeps it: everything but the secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    prefixes: tuple[str, ...] = ()
    """Beginnings of keys; only assets below one of them are seen and written. None: every asset."""
    digest: str
    """SHA-256 of the secret, in hex."""
    created: str
    expires: str | None = None
    revoked: str | None = None

    def allows(self, scopes: Iterable[Scope]) -> bool:
        """Whether one of these scopes is the token's; `admin` stands for all."""
        return "admin" in self.scopes or any(scope in self.scopes for scope in scopes)

    def ended(self, now: datetime) -> bool:
        """Whether it is revoked or has expired."""
        return self.revoked is not None or (self.expires is not None and parse_time(self.expires) <= now)


class TokenShape(Shape, kw_only=True):
    """A token as lists show it. Its secret is never shown again."""

    id: str
    name: str
    scopes: list[Scope]
    prefixes: list[str] = []
    """Only assets below one of these beginnings of keys, as `s3://team-a/*`; empty: every asset."""
    state: Literal["active", "expired", "revoked"]
    created: str
    expires: str | None = None
    last_used: str | None = None
    """To within a minute or two."""


class CreatedToken(TokenShape, kw_only=True):
    """A new token, this once with its secret."""

    token: str
    """What a client sends: `Authorization: Bearer <token>`."""


class NewToken(NamedTuple):
    """A token that was just made."""

    token: Token
    text: str
    """What its owner gets; it is not kept."""


def new_token(
    name: str, scopes: Iterable[str], prefixes: Iterable[str] = (), expires: datetime | None = None
) -> NewToken:
    """A new token.

    Raises:
        Invalid: the name, a scope, a prefix or the end breaks a rule.

    >>> made = new_token("ci", ["events:write"], ["s3://team-a/*"])
    >>> made.token.prefixes, parse(made.text).id == made.token.id
    (('s3://team-a/',), True)
    """
    wanted = check_scopes(scopes)
    limits = tuple(dict.fromkeys(map(check_prefix, prefixes)))
    if limits and "admin" in wanted:
        raise _invalid("prefixes", limits[0], "admin has no prefix", "An admin can make tokens for everything.")
    now = datetime.now(UTC)
    secret = secrets.token_urlsafe(32)
    token = Token(
        id=secrets.token_hex(6),
        name=check_name(name),
        scopes=wanted,
        prefixes=limits,
        digest=_digest(secret),
        created=format_time(now),
        expires=None if expires is None else format_time(_check_future(expires, now)),
    )
    return NewToken(token, f"{START}_{token.id}_{secret}")


class Parsed(NamedTuple):
    """A token's text, taken apart."""

    id: str
    secret: str


def parse(text: str) -> Parsed | None:
    """The parts of a token; None for what cannot be one."""
    match = _TOKEN.fullmatch(text)
    return None if match is None else Parsed(match[1], match[2])


def is_secret_of(token: Token, secret: str) -> bool:
    """Whether a secret is this token's; takes the same time for every answer."""
    return hmac.compare_digest(token.digest, _digest(secret))


def shape_of(token: Token, last_used: str | None, now: datetime) -> TokenShape:
    """A token as lists show it."""
    return TokenShape(
        id=token.id,
        name=token.name,
        scopes=list(token.scopes),
        prefixes=[f"{prefix}*" for prefix in token.prefixes],
        state="revoked" if token.revoked else "expired" if token.ended(now) else "active",
        created=token.created,
        expires=token.expires,
        last_used=last_used,
    )


def check_name(name: str) -> str:
    """A token's name, unchanged: 1 to 100 printable characters."""
    if name.strip() and len(name) <= MAX_NAME_LENGTH and name.isprintable():
        return name
    rule = f"a name has 1 to {MAX_NAME_LENGTH} printable characters"
    raise _invalid("name", name, rule, "Say who uses it, e.g. airflow-prod.")


def check_scopes(scopes: Iterable[str]) -> tuple[Scope, ...]:
    """Scopes in their order, each once.

    >>> check_scopes(["catalog:read", "events:write"])
    ('events:write', 'catalog:read')
    """
    given = set(scopes)
    unknown = given - set(SCOPES)
    if unknown or not given:
        rule = f"scopes are {', '.join(SCOPES)}; at least one"
        raise _invalid("scopes", ", ".join(sorted(unknown)) or None, rule, "Give only what its user needs.")
    return tuple(scope for scope in SCOPES if scope in given)


def check_prefix(prefix: str) -> str:
    """The beginning of keys that a prefix names, in the spelling of keys.

    >>> check_prefix("S3://team-a/*"), check_prefix("s3://team-a/"), check_prefix("postgres://*")
    ('s3://team-a/', 's3://team-a/', 'postgres://')
    """
    start = prefix.removesuffix("*")
    if not start.endswith("/") or any(sign in start for sign in "*?#"):
        raise _invalid_prefix(prefix)
    try:
        return canonical_key(start + _SAMPLE).removesuffix(_SAMPLE)
    except Invalid:
        raise _invalid_prefix(prefix) from None


def read_expiry(text: str, now: datetime | None = None) -> datetime:
    """When a token ends: an age from now (`30d`, `12h`), or a time.

    >>> read_expiry("30d", parse_time("2026-11-01T00:00:00Z")).isoformat()
    '2026-12-01T00:00:00+00:00'
    """
    match = _AGE.fullmatch(text)
    if match is None:
        return parse_time(text, "expires")
    return (now or datetime.now(UTC)) + timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def _check_future(moment: datetime, now: datetime) -> datetime:
    if moment > now:
        return moment
    raise _invalid("expires", format_time(moment), "a token ends in the future", "Give it e.g. 30d.")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _invalid_prefix(prefix: str) -> Invalid:
    rule = "a prefix is the beginning of keys up to a slash, e.g. s3://team-a/*"
    return _invalid("prefixes", prefix, rule, "End it with /*: it stands for everything below.")


def _invalid(field: str, value: str | None, rule: str, hint: str) -> Invalid:
    return Invalid(
        f"No token can have this {field}: {rule}.",
        code="invalid-token-request",
        field=field,
        value=value,
        rule=rule,
        hint=hint,
    )
