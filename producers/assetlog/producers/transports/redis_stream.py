"""`redis://`, `rediss://` and `unix://` append straight to the catalog's stream, one pipeline a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from assetlog.producers.transports.verdicts import event_id, said
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.shapes import Accepted, Receipt
from assetlog.schemas.stream import EVENT_FIELD, stream_key

if TYPE_CHECKING:
    import redis

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
Ack = Literal["disk", "memory", "unknown"]


class RedisTransport:
    """Appends with XADD. Any event is taken: who writes to the stream is trusted, the fold checks."""

    def __init__(self, url: str, catalog: str) -> None:
        self.url = url
        self.key = stream_key(catalog)
        self._client: redis.Redis | None = None
        self._ack: Ack | None = None

    def send(self, batch: Sequence[bytes]) -> Receipt:
        """Append the batch in one round trip."""
        from redis.exceptions import RedisError

        try:
            client = self._connected()
            pipeline = client.pipeline(transaction=False)
            for raw in batch:
                pipeline.xadd(self.key, {EVENT_FIELD: raw})
            positions = pipeline.execute()
            self._ack = self._ack or _ack_of(client)
        except (RedisError, OSError) as error:
            self.close()
            raise _unavailable(error) from error
        accepted = [
            Accepted(id=event_id(raw), position=_text(position)) for raw, position in zip(batch, positions, strict=True)
        ]
        return Receipt(accepted=accepted, ack=self._ack)

    def close(self) -> None:
        """Close the connection."""
        client, self._client, self._ack = self._client, None, None
        if client is not None:
            client.close()

    def _connected(self) -> redis.Redis:
        if self._client is None:
            self._client = _client(self.url)
        return self._client


def _client(url: str) -> redis.Redis:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        client: redis.Redis = redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),  # a repeated pipeline would append its events twice
        )
    except ValueError as error:
        raise Invalid(f"The Redis URL is not one: {error}.", code="invalid-url", field="url") from error
    return client


def _ack_of(client: redis.Redis) -> Ack:
    """Where an answered XADD is: on disk only if the server syncs before it answers."""
    from redis.exceptions import ResponseError

    try:
        settings: Any = client.config_get("append*")
    except ResponseError:  # the server won't tell
        return "unknown"
    always = settings.get("appendonly") == "yes" and settings.get("appendfsync") == "always"
    return "disk" if always else "memory"


def _text(position: Any) -> str:
    return position.decode() if isinstance(position, bytes) else str(position)


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(
        f"The log server did not take the events: {said(error)}.",
        code="log-unavailable",
        hint="Is it up? `assetlog doctor` looks closer.",
    )


def open_transport(url: str, catalog: str, token: str | None) -> RedisTransport:  # noqa: ARG001 - one shape for all
    """The transport of a Redis URL."""
    return RedisTransport(url, catalog)
