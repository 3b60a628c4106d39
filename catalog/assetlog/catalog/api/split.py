"""From a request's body to the bytes of its events. Nothing is encoded anew: the accepted bytes are the event."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Raw

from assetlog.schemas.errors import Invalid, TooLarge

Form = Literal["one", "many", "either", "lines"]

FORMS: dict[str, Form] = {
    "application/json": "either",
    "application/cloudevents+json": "one",
    "application/cloudevents-batch+json": "many",
    "application/x-ndjson": "lines",
    "application/ndjson": "lines",
    "application/jsonl": "lines",
}
"""What a body of each content type holds. None of them can be sent by a foreign web page without being asked first."""

_SPACE = b" \t\n\r"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
_list = msgspec.json.Decoder(list[Raw])


def form_of(content_type: str) -> Form:
    """What a body of a content type holds.

    Raises:
        Invalid: the API does not take that content type (415).

    >>> form_of("application/json; charset=utf-8")
    'either'
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in FORMS:
        raise Invalid(
            f"Content-Type {media_type[:80]!r} is not understood here.",
            code="unsupported-media-type",
            field="content-type",
            value=media_type,
            rule="the content type is one of " + ", ".join(FORMS),
            hint="With curl: -H 'content-type: application/json'.",
        )
    return FORMS[media_type]


def split_body(body: bytes, form: Form, most: int) -> list[bytes]:
    """The bytes of each event of a body.

    Raises:
        Invalid: there is none, or the body falls apart before its events can be told from each other.
        TooLarge: there are more than `most`.

    >>> split_body(b'[{"a":1}, {"b":2}]', "either", 10)
    [b'{"a":1}', b'{"b":2}']
    """
    if form == "lines":
        events = [line for line in body.split(b"\n") if line.strip(_SPACE)]
    elif form == "many" or (form == "either" and body.lstrip(_SPACE)[:1] == b"["):
        events = _split_array(body)
    else:
        events = [body] if body.strip(_SPACE) else []
    if not events:
        raise Invalid(
            "The body holds no event.",
            code="no-events",
            field="body",
            rule="a body holds one event, a JSON array of events, or one event a line",
            hint="Send at least one CloudEvent.",
        )
    if len(events) > most:
        raise TooLarge(
            f"The body holds {len(events):,} events.",
            code="too-many-events",
            field="body",
            value=f"{len(events):,} events",
            rule=f"a request has at most {most:,} events",
            hint="Send them in several requests.",
        )
    return events


def _split_array(body: bytes) -> list[bytes]:
    try:
        return [bytes(event) for event in _list.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # one bad event must not take the good ones with it: cut at the commas between them and judge each
        events = list(_cut(body))
        if not events:
            raise _not_an_array(str(error)) from None
        return events


def _cut(body: bytes) -> Iterator[bytes]:
    """The items of what begins like an array; nothing if it does not end like one."""
    depth, start, items = 0, 0, []
    for token in _TOKEN.finditer(body):
        symbol = token[0]
        if symbol in (b"[", b"{"):
            depth += 1
            start = token.end() if depth == 1 else start
        elif symbol in (b"]", b"}"):
            depth -= 1
            if depth == 0:
                items.append(body[start : token.start()].strip(_SPACE))
                closed = symbol == b"]" and not body[token.end() :].strip(_SPACE)
                return iter(items if closed else ())
        elif symbol == b"," and depth == 1:
            items.append(body[start : token.start()].strip(_SPACE))
            start = token.end()
    return iter(())


def _not_an_array(reason: str) -> Invalid:
    return Invalid(
        f"The body is not a well-formed JSON array: {reason}.",
        code="malformed-json",
        field="body",
        rule="a body is one event, a JSON array of events, or one event a line, in UTF-8 without NaN or Infinity",
        hint="Encode it with a JSON library, or send one event a line as application/x-ndjson.",
    )
