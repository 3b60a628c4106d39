"""Where a catalog's tokens are kept: in its Redis, beside the log and never in it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import redis

from assetlog.catalog.access.tokens import CreatedToken, NewToken, Token, TokenShape, shape_of
from assetlog.schemas.errors import NotFound, Unavailable
from assetlog.schemas.stream import token_uses_key, tokens_key, tokens_version_key
from assetlog.schemas.times import format_time

_token = msgspec.json.Decoder(Token)


class TokenStore:
    """The tokens of a catalog. Blocking; for any number of threads.

    Args:
        client: a connection to the log server.
        catalog: the catalog's name.
    """

    def __init__(self, client: redis.Redis, catalog: str) -> None:
        self._client = client
        self._tokens = tokens_key(catalog)
        self._version = tokens_version_key(catalog)
        self._uses = token_uses_key(catalog)

    def version(self) -> int:
        """A number that grows with every change; 0 before the first."""
        with _reaching():
            known: Any = self._client.get(self._version)
        return int(known or 0)

    def load(self) -> dict[str, Token]:
        """Every token by its id, revoked and expired ones too."""
        with _reaching():
            rows: Any = self._client.hgetall(self._tokens)
        tokens = map(_token.decode, rows.values())
        return {token.id: token for token in tokens}

    def add(self, new: NewToken) -> CreatedToken:
        """Keep a new token; the answer is the only one that has its secret."""
        self._put(new.token)
        fields = msgspec.structs.asdict(shape_of(new.token, None, datetime.now(UTC)))
        return CreatedToken(**fields, token=new.text)

    def revoke(self, token_id: str) -> TokenShape:
        """End a token for good. It stays listed, and the catalog stays closed to those without a token.

        Raises:
            NotFound: no token has this id.
        """
        token = self.load().get(token_id)
        if token is None:
            raise _no_token(token_id)
        now = datetime.now(UTC)
        if token.revoked is None:
            token = msgspec.structs.replace(token, revoked=format_time(now))
            self._put(token)
        return shape_of(token, self._last_used().get(token_id), now)

    def listed(self) -> list[TokenShape]:
        """Every token, the oldest first."""
        uses, now = self._last_used(), datetime.now(UTC)
        tokens = sorted(self.load().values(), key=lambda token: (token.created, token.id))
        return [shape_of(token, uses.get(token.id), now) for token in tokens]

    def forget_all(self) -> int:
        """Forget every token, so that a node on loopback is open to everyone on its machine again; how many."""
        with _reaching(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.hlen(self._tokens)
            pipeline.delete(self._tokens, self._uses)
            pipeline.incr(self._version)
            answers: Any = pipeline.execute()
        return int(answers[0])

    def note_uses(self, uses: dict[str, str]) -> None:
        """Write down when tokens were used last."""
        if uses:
            with _reaching():
                self._client.hset(self._uses, mapping=uses)  # type: ignore[arg-type]  # str is a key, too

    def _put(self, token: Token) -> None:
        with _reaching(), self._client.pipeline(transaction=True) as pipeline:
            pipeline.hset(self._tokens, token.id, msgspec.json.encode(token))
            pipeline.incr(self._version)
            pipeline.execute()

    def _last_used(self) -> dict[str, str]:
        with _reaching():
            rows: Any = self._client.hgetall(self._uses)
        return {token_id.decode(): time.decode() for token_id, time in rows.items()}


class _reaching:  # noqa: N801 - reads as a statement
    """Turns what the Redis client raises into our error."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, redis.RedisError | OSError):
            raise Unavailable(
                f"The log server, which keeps the tokens, does not answer: {error}.",
                code="log-unreachable",
                hint="`assetlog doctor` looks closer.",
            ) from error


def _no_token(token_id: str) -> NotFound:
    return NotFound(
        f"There is no token {token_id[:40]!r}.",
        code="token-not-found",
        field="id",
        value=token_id[:40],
        rule="the id is that of a token, as in asl_<id>_…",
        hint="`assetlog token list` shows them.",
    )
