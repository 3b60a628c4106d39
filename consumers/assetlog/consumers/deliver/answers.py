"""What an HTTP answer means for an attempt: done, once more later, or never again."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from assetlog.consumers.deliver.secrets import Secrets
from assetlog.consumers.deliver.web import Answer
from assetlog.consumers.work.outcomes import RetryLater
from assetlog.schemas.errors import Unavailable
from assetlog.schemas.work import MAX_BACKOFF

MAX_SHOWN: Final = 200
"""Characters of an answer that an error shows."""
_BUSY: Final = frozenset({429, 503})
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def refuse(answer: Answer, secrets: Secrets, *, done: Collection[int] = ()) -> None:
    """Raise unless the answer says that it is done: a status of 2xx, or one of `done`.

    Raises:
        RetryLater: the server is busy, and says for how long.
        Unavailable: any other answer; the error shows its status and how it begins.
    """
    if 200 <= answer.status < 300 or answer.status in done:
        return
    error = failure(answer, secrets)
    seconds = pause_of(answer.headers) if answer.status in _BUSY else None
    if seconds is not None:
        raise RetryLater(seconds, str(error))
    raise error


def failure(answer: Answer, secrets: Secrets) -> Unavailable:
    """The error of an answer that is none of success."""
    if 300 <= answer.status < 400:
        where = secrets.struck(answer.headers.get("location", "nowhere"))[:MAX_SHOWN]
        return Unavailable(
            f"The target answered {answer.status} and points to {where}; redirects are not followed.",
            code="target-redirects",
            hint="Name the final URL in the target.",
        )
    return Unavailable(
        f"The target answered {answer.status}: {shown(answer.body, secrets) or 'no text'}.", code="target-refused"
    )


def shown(body: bytes, secrets: Secrets) -> str:
    """How an answer begins, on one line and without secrets."""
    text = secrets.struck(body[: 8 * MAX_SHOWN].decode(errors="replace"))
    text = _UNSEEN.sub(" ", text).strip()
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def pause_of(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """The seconds of `Retry-After`, from 0 to an hour; None if it is not there or not understood.

    >>> pause_of({"retry-after": "120"}), pause_of({"retry-after": "soon"})
    (120.0, None)
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), MAX_BACKOFF)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, moment - (time.time() if now is None else now)), MAX_BACKOFF)


def object_in(answer: Answer, secrets: Secrets) -> dict[str, Any]:
    """The JSON object that a server answered.

    Raises:
        Unavailable: it answered something else.
    """
    try:
        value = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = None
    if not isinstance(value, dict):
        text = f"The target answered {answer.status} without a JSON object: {shown(answer.body, secrets) or 'no text'}."
        raise Unavailable(text, code="target-refused", hint="Is it the API's URL, and not that of a login page?")
    return value
