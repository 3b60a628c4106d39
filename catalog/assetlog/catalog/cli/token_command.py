"""Make, list and end tokens: who may do what with the catalog.

create      make a token and print it, this once: --name, --scope, and if wanted --prefix, --expires, --save
list        list the tokens, ended ones too
revoke ID   end a token for good, on every node within a second
forget-all  forget every token: a node on loopback is open to its machine again

With a node's URL (--url, ASSETLOG_URL) it asks that node and needs a token with the scope `admin`. Otherwise it goes
to the log server of the data directory, or the one that --redis-url names; a node need not run.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assetlog.catalog.cli import output
from assetlog.catalog.cli.flags import add_settings, read_settings
from assetlog.catalog.cli.output import Cell, Column, Styled
from assetlog.schemas.errors import Invalid

if TYPE_CHECKING:
    from assetlog.catalog.access.tokens import CreatedToken, TokenShape
    from assetlog.catalog.settings import Settings

SETTINGS = ("home", "redis_url", "catalog")
SCOPES = ("events:write", "catalog:read", "consumers:write", "admin")
COLUMNS = (
    Column("id", keep=True),
    Column("name"),
    Column("state", keep=True),
    Column("scopes"),
    Column("only below"),
    Column("expires", from_width=100),
    Column("last used", from_width=100),
)
STYLES = {"active": "green", "expired": "dim", "revoked": "red"}


class Tokens(Protocol):
    """A catalog's tokens, wherever they are reached."""

    def create(self, name: str, scopes: list[str], prefixes: list[str], expires: str | None) -> CreatedToken:
        """Make one."""

    def listed(self) -> list[TokenShape]:
        """Every one, the oldest first."""

    def revoke(self, token_id: str) -> TokenShape:
        """End one."""


def configure(parser: argparse.ArgumentParser) -> None:
    """What to do, with what, and where the catalog is."""
    parser.add_argument("action", choices=("create", "list", "revoke", "forget-all"), help="what to do; see above")
    parser.add_argument("id", nargs="?", help="revoke: the token's id, as in asl_ID_…")
    new = parser.add_argument_group("create")
    new.add_argument("--name", help="who uses it, e.g. airflow-prod")
    new.add_argument("--scope", action="append", default=[], choices=SCOPES, help="what it may do; again for more")
    new.add_argument("--prefix", action="append", default=[], help="only assets below, e.g. 's3://team-a/*'")
    new.add_argument("--expires", metavar="WHEN", help="when it ends: 30d, 12h, or a time; never unless given")
    new.add_argument("--save", action="store_true", help="keep it in the data directory, for tasks of this machine")
    parser.add_argument("--url", help="the node to ask; ASSETLOG_URL unless given")
    add_settings(parser, only=SETTINGS)


def run(args: argparse.Namespace) -> int:
    """Do it."""
    actions: dict[str, Callable[[argparse.Namespace, Settings], None]] = {
        "create": _create,
        "list": _list,
        "revoke": _revoke,
        "forget-all": _forget_all,
    }
    actions[args.action](args, read_settings(args))
    return 0


def _create(args: argparse.Namespace, settings: Settings) -> None:
    _need(args.name, "--name", "a token has a name", "Say who uses it, e.g. --name airflow-prod.")
    _need(args.scope, "--scope", "a token has a scope", f"Scopes are {', '.join(SCOPES)}.")
    with _opened(args, settings) as tokens:
        created = tokens.create(args.name, args.scope, args.prefix, args.expires)
    kept = save(settings.home, created.token) if args.save else None
    if args.json:
        _print(created)
        return
    output.say(Styled(created.token, "bold"))
    output.say()
    output.say("It is shown this once. Pass it on as ASSETLOG_TOKEN, or in a file that ASSETLOG_TOKEN_FILE names.")
    if kept is not None:
        output.say(f"Commands and tasks of this machine find it in {kept}.")


def _list(args: argparse.Namespace, settings: Settings) -> None:
    with _opened(args, settings) as tokens:
        listed = tokens.listed()
    if args.json:
        _print({"items": listed})
        return
    output.table(COLUMNS, map(_row, listed))


def _revoke(args: argparse.Namespace, settings: Settings) -> None:
    _need(args.id, "id", "revoke names the token", "`assetlog token list` shows the ids.")
    with _opened(args, settings) as tokens:
        revoked = tokens.revoke(args.id)
    if args.json:
        _print(revoked)
        return
    output.say(f"{revoked.id} ({revoked.name}) is revoked.")


def _forget_all(args: argparse.Namespace, settings: Settings) -> None:
    if _node_url(args) is not None:
        raise Invalid(
            "A node cannot be asked to let everybody in.",
            code="invalid-usage",
            field="--url",
            rule="forget-all goes to the log server",
            hint="Run it where the data directory is, or with --redis-url; unset ASSETLOG_URL.",
        )
    with _opened(args, settings) as tokens:
        count = tokens.store.forget_all()
    if args.json:
        _print({"forgotten": count})
        return
    output.say(f"{count} forgotten. A node on loopback lets everybody on its machine in again.")


def _need(value: object, field: str, rule: str, hint: str) -> None:
    if not value:
        raise Invalid(f"{field} is missing.", code="invalid-usage", field=field, rule=rule, hint=hint)


def save(home: Path, token: str) -> Path:
    """Keep a token in the data directory, readable by its user only."""
    from assetlog.producers.config import TOKEN_FILE_NAME

    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, fresh = home / TOKEN_FILE_NAME, home / f".{TOKEN_FILE_NAME}.{os.getpid()}"
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{token}\n")
    fresh.replace(path)
    return path


class _OfNode:
    """Tokens, asked of a node."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, name: str, scopes: list[str], prefixes: list[str], expires: str | None) -> CreatedToken:
        from assetlog.catalog.access.tokens import CreatedToken

        body = {"name": name, "scopes": scopes, "prefixes": prefixes, "expires": expires}
        created: CreatedToken = self._client.post("/v1/tokens", body, CreatedToken)
        return created

    def listed(self) -> list[TokenShape]:
        from assetlog.catalog.access.tokens import TokenShape
        from assetlog.schemas.shapes import Page

        page: Page[TokenShape] = self._client.read("/v1/tokens", Page[TokenShape])
        return page.items

    def revoke(self, token_id: str) -> TokenShape:
        from urllib.parse import quote

        from assetlog.catalog.access.tokens import TokenShape

        revoked: TokenShape = self._client.delete(f"/v1/tokens/{quote(token_id, safe='')}", TokenShape)
        return revoked


class _OfLogServer:
    """Tokens, on the log server itself."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.listed = store.listed
        self.revoke = store.revoke

    def create(self, name: str, scopes: list[str], prefixes: list[str], expires: str | None) -> CreatedToken:
        from assetlog.catalog.access.tokens import new_token, read_expiry

        new = new_token(name, scopes, prefixes, None if expires is None else read_expiry(expires))
        created: CreatedToken = self.store.add(new)
        return created


def _node_url(args: argparse.Namespace) -> str | None:
    """The node that is named outright; a data directory or a log server named as a flag counts for more."""
    from assetlog.producers.config import read_config

    if args.url is not None:
        return str(args.url)
    if args.home is not None or args.redis_url is not None:
        return None
    url = read_config().url
    return url if url is not None and url.startswith(("http://", "https://")) else None


@contextmanager
def _opened(args: argparse.Namespace, settings: Settings) -> Iterator[Any]:
    url = _node_url(args)
    if url is not None:
        from assetlog.catalog.client import Client

        with Client(url) as client:
            yield _OfNode(client)
        return
    from assetlog.catalog.access.store import TokenStore
    from assetlog.consumers.log.connection import connect_sync

    with _log_server(settings) as (log, catalog), connect_sync(log) as connection:
        yield _OfLogServer(TokenStore(connection, catalog))


@contextmanager
def _log_server(settings: Settings) -> Iterator[tuple[str, str]]:
    """The URL of the catalog's log server and the catalog's name; without a node, the server is started for now."""
    from assetlog.schemas.node_file import read_node_file

    node = read_node_file(settings.home)
    if settings.redis_url is not None:
        yield settings.redis_url, settings.catalog
    elif node is not None:
        yield node.log, node.catalog
    else:
        from assetlog.consumers.log.server import LogServer

        with LogServer(settings.home) as server:
            yield server.url, settings.catalog


def _row(token: TokenShape) -> list[Cell]:
    return [
        token.id,
        token.name,
        Styled(token.state, STYLES[token.state]),
        " ".join(token.scopes),
        " ".join(token.prefixes) or "everything",
        output.when(token.expires) if token.expires else "never",
        output.when(token.last_used),
    ]


def _print(answer: object) -> None:
    import msgspec

    output.answer(msgspec.json.encode(answer))
