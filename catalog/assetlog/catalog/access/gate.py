"""The gate: every request passes it before anything of it is read. What it does not know, it does not let in.

It runs in two steps. `Gate.admit` looks at each request before its route is known: who asks? `authorize` looks at
each route before it serves: may they? Both deny what nothing allows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import Enum
from typing import Any

from assetlog.catalog.access.keeper import Caller, Keeper
from assetlog.catalog.access.tokens import Scope
from assetlog.schemas.errors import AssetlogError, Forbidden

OPEN_PATHS = frozenset({"/health/live", "/health/ready"})
"""Answered to everyone; compared whole, so that nothing else can be named so as to be among them."""
CALLER = "assetlog.caller"
"""Where a request's scope holds who asks."""


class Nobody(Enum):
    """Those without a token."""

    ANONYMOUS = "anonymous"
    """Somebody on a node that is open to all who reach it; may do everything."""
    STRANGER = "stranger"
    """Somebody who may see nothing but the open paths."""


class Gate:
    """Says who asks.

    Args:
        keeper: knows the tokens.
        open_to_all: whether to let in who shows no token, as long as there is none.
    """

    def __init__(self, keeper: Keeper, open_to_all: bool) -> None:
        self._keeper = keeper
        self._open_to_all = open_to_all

    def admit(self, scope: Any) -> AssetlogError | None:
        """Note in a request's scope who asks; the reason if they do not come in."""
        if scope["path"] in OPEN_PATHS:
            scope[CALLER] = Nobody.STRANGER
            return None
        if self._open_to_all and not self._keeper.has_tokens:
            scope[CALLER] = Nobody.ANONYMOUS
            return None
        caller = self._keeper.find(_bearer(scope["headers"]))
        if caller is None or caller.ended(time.time()):
            return _unknown(caller)
        try:
            caller.requests.take(1)
        except AssetlogError as error:
            return error
        scope[CALLER] = caller
        return None


def authorize(scope: Any, scopes: Sequence[Scope], path: str) -> None:
    """Refuse a caller who has none of these scopes.

    Raises:
        Forbidden: they have none of them, or nobody has said who they are.
    """
    caller = scope.get(CALLER)
    if caller is Nobody.ANONYMOUS or (caller is Nobody.STRANGER and path in OPEN_PATHS):
        return
    if isinstance(caller, Caller) and caller.token.allows(scopes):
        return
    wanted = " or ".join(scopes) or "admin"
    raise Forbidden(
        "This token may not do that.",
        code="missing-scope",
        field="authorization",
        rule=f"it takes a token with the scope {wanted}",
        hint=f"Ask for one: `assetlog token create --scope {(*scopes, 'admin')[0]}`.",
    )


def caller_of(scope: Any) -> Caller | None:
    """The caller whose token came with a request; None for somebody on an open node."""
    caller = scope.get(CALLER)
    return caller if isinstance(caller, Caller) else None


def _bearer(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The token of a request; empty if there is none, or more than one header to choose from."""
    found = [value for name, value in headers if name == b"authorization"]
    if len(found) != 1:
        return ""
    kind, _, token = found[0].partition(b" ")
    return token.strip().decode("latin-1") if kind.lower() == b"bearer" else ""


def _unknown(caller: Caller | None) -> Forbidden:
    if caller is not None:
        ended = "is revoked" if caller.token.revoked else "has expired"
        return _refusal(f"The token {caller.token.id} {ended}.", "token-ended")
    return _refusal("This node answers to those who show a good token.", "no-token")


def _refusal(detail: str, code: str) -> Forbidden:
    return Forbidden(
        detail,
        code=code,
        field="authorization",
        rule="every request has `Authorization: Bearer asl_…` with a token that is good",
        hint="Set ASSETLOG_TOKEN or ASSETLOG_TOKEN_FILE; `assetlog token create` makes one.",
    )
