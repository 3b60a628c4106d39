"""Reading Server-Sent Events from the bytes of a connection.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct


class Message(Struct, frozen=True):
    """One message: its id, its event name, its data."""

    id: str = ""
    event: str = "message"
    data: bytes = b""


def read_messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    r"""The messages in a stream of bytes; a comment or an unfinished message yields nothing.

    >>> list(read_messages([b"id: 1-0\nda", b"ta: {}\n\n"]))
    [Message(id='1-0', event='message', data=b'{}')]
    """
    fields: dict[str, list[bytes]] = {}
    for line in _lines(chunks):
        if line:
            name, _, value = line.partition(b":")
            fields.setdefault(name.decode(errors="replace"), []).append(value.removeprefix(b" "))
            continue
        if "data" in fields or "id" in fields:
            yield _message(fields)
        fields = {}


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines end with a line feed only: str.splitlines would also cut JSON at U+2028 and the like."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in whole)


def _message(fields: dict[str, list[bytes]]) -> Message:
    return Message(
        id=fields.get("id", [b""])[-1].decode(errors="replace"),
        event=fields.get("event", [b"message"])[-1].decode(errors="replace"),
        data=b"\n".join(fields.get("data", [])),
    )
