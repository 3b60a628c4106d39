"""`redis://`, `rediss://` and `unix://` append straight to the catalog's stream, one transaction a batch.

A server that syncs every write syncs a transaction once: four to six times the events a second of a bare pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from assetlog.producers.transports.verdicts import event_id, said
from assetlog.schemas.errors import Invalid, Unavailable
from assetlog.schemas.shapes import Accepted, Receipt
from assetlog.schemas.stream import EVENT_FIELD, stream_key

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
TRANSACTION = 1_000
"""Events a transaction: the server serves nobody else meanwhile, for about two milliseconds."""
Ack = Literal["disk", "memory", "unknown"]


class RedisTransport:
    """Appends with XADD. Any event is taken: who writes to the stream is trusted, the fold checks."""

    def __init__(self, url: str, catalog: str) -> None:
        self.url = url
        self._head = _xadd_head(stream_key(catalog))
        self._connection: Any = None
        self._ack: Ack | None = None

    def send(self, batch: Sequence[bytes]) -> Receipt:
        """Append the batch, each thousand in one round trip, all or none of them."""
        from redis.exceptions import RedisError

        try:
            connection = self._connected()
            self._ack = self._ack or _ack_of(connection)
            positions = [
                position
                for start in range(0, len(batch), TRANSACTION)
                for position in self._append(connection, batch[start : start + TRANSACTION])
            ]
        except (RedisError, OSError) as error:
            self.close()
            raise _unavailable(error) from error
        accepted = [
            Accepted(id=event_id(raw), position=position.decode())
            for raw, position in zip(batch, positions, strict=True)
        ]
        return Receipt(accepted=accepted, ack=self._ack)

    def close(self) -> None:
        """Close the connection."""
        connection, self._connection, self._ack = self._connection, None, None
        if connection is not None:
            connection.disconnect()

    def _append(self, connection: Any, events: Sequence[bytes]) -> Iterator[bytes]:
        """The positions of events that are appended in one transaction; packed here, which is most of the work."""
        commands = [b"%b%d\r\n%b\r\n" % (self._head, len(raw), raw) for raw in events]
        connection.send_packed_command([b"*1\r\n$5\r\nMULTI\r\n" + b"".join(commands) + b"*1\r\n$4\r\nEXEC\r\n"])
        for _ in range(len(events) + 1):  # OK, and QUEUED for each
            connection.read_response()
        for position in connection.read_response():
            if isinstance(position, Exception):
                raise position
            yield position

    def _connected(self) -> Any:
        if self._connection is None:
            self._connection = _connection(self.url)
        return self._connection


def _xadd_head(key: str) -> bytes:
    """An XADD in the wire protocol, up to the length of the event."""
    words = (b"XADD", key.encode(), b"*", EVENT_FIELD.encode())
    return b"*5\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words) + b"$"


def _connection(url: str) -> Any:
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        pool = redis.ConnectionPool.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),  # what is repeated, and when, is decided by who sends
        )
    except ValueError as error:
        raise Invalid(f"The Redis URL is not one: {error}.", code="invalid-url", field="url") from error
    connection: Any = pool.make_connection()
    connection.connect()
    return connection


def _ack_of(connection: Any) -> Ack:
    """Where an answered XADD is: on disk only if the server syncs before it answers."""
    from redis.exceptions import ResponseError

    connection.send_command("CONFIG", "GET", "append*")
    try:
        answer = connection.read_response()
    except ResponseError:  # the server won't tell
        return "unknown"
    settings = answer if isinstance(answer, dict) else dict(zip(answer[::2], answer[1::2], strict=True))
    always = settings.get(b"appendonly") == b"yes" and settings.get(b"appendfsync") == b"always"
    return "disk" if always else "memory"


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(
        f"The log server did not take the events: {said(error)}.",
        code="log-unavailable",
        hint="Is it up? `assetlog doctor` looks closer.",
    )


def open_transport(url: str, catalog: str, token: str | None) -> RedisTransport:  # noqa: ARG001 - one shape for all
    """The transport of a Redis URL."""
    return RedisTransport(url, catalog)
