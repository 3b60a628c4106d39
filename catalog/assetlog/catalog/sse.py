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


class MessageReader:
    """Reads messages from the bytes of a connection, however they are cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, list[bytes]] = {}

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that end in this chunk; a comment or an unfinished message yields nothing."""
        # Lines end with a line feed only: str.splitlines would also cut JSON at U+2028 and the like.
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            message = self._line(line.removesuffix(b"\r"))
            if message is not None:
                yield message

    def _line(self, line: bytes) -> Message | None:
        fields = self._fields
        if line:
            name, _, value = line.partition(b":")
            fields.setdefault(name.decode(errors="replace"), []).append(value.removeprefix(b" "))
            return None
        self._fields = {}
        return _message(fields) if "data" in fields or "id" in fields else None


def read_messages(chunks: Iterable[bytes]) -> Iterator[Message]:
    r"""The messages in a stream of bytes.

    >>> list(read_messages([b"id: 1-0\nda", b"ta: {}\n\n"]))
    [Message(id='1-0', event='message', data=b'{}')]
    """
    reader = MessageReader()
    for chunk in chunks:
        yield from reader.feed(chunk)


def _message(fields: dict[str, list[bytes]]) -> Message:
    return Message(
        id=fields.get("id", [b""])[-1].decode(errors="replace"),
        event=fields.get("event", [b"message"])[-1].decode(errors="replace"),
        data=b"\n".join(fields.get("data", [])),
    )
