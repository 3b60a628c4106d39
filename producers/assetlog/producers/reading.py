"""Asking a node, for the few calls of the SDK that need an answer.

What is asked is a generator that does no I/O itself: it yields questions and is sent the answers, so that `talk` and
`atalk` hold the same conversation, waiting or awaiting.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from assetlog.producers.config import Config
from assetlog.producers.destination import token_for
from assetlog.producers.transports import is_loopback, without_password
from assetlog.producers.transports.verdicts import said
from assetlog.schemas.errors import AssetlogError, Conflict, Forbidden, Invalid, NotFound, Unavailable
from assetlog.schemas.node_file import read_node_file

if TYPE_CHECKING:
    from assetlog.producers.emitter import Emitter

Result = TypeVar("Result")

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 30.0
PAUSES = (0.05, 0.25, 1.0, 2.0)
"""Seconds between the tries of a question to a node that is busy or away."""
BUSY = {429, 502, 503, 504}
FLUSH_SECONDS = 10.0
"""What was emitted before is waited for so long, that it be read."""


class Question(NamedTuple):
    """A request."""

    method: str
    path: str
    params: dict[str, Any] = {}
    """Those that are None are left out."""
    content: bytes | None = None
    media_type: str = "application/json"
    pause: float = 0.0
    """Seconds to wait before it."""


class Reply(NamedTuple):
    """What a node answers."""

    status: int
    content: bytes

    def error(self) -> AssetlogError:
        """The problem that the node speaks of."""
        try:
            problem = msgspec.json.decode(self.content, type=_Problem)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            problem = _Problem(code="not-a-node", detail=f"The answer has status {self.status}.")
        kind = _KINDS.get(self.status, Invalid if 400 <= self.status < 500 else Unavailable)
        return kind(problem.detail, code=problem.code, hint=problem.hint or "")


Talk = Generator[Question, Reply, Result]


class Node(NamedTuple):
    """Who is asked."""

    url: str
    token: str | None


def node_of(config: Config, need: str) -> Node:
    """The node that events go to.

    Args:
        need: what is wanted from it, for the error.

    Raises:
        Invalid: events go to a log server or a file, which answer no questions.
        Unavailable: no URL is given and no node runs on this machine.
    """
    if config.url is None:
        node = read_node_file(config.home)
        if node is None:
            raise Unavailable(
                f"No node runs on {config.home}, and {need} needs one.",
                code="no-node",
                hint="Start one with `assetlog up`, or set ASSETLOG_URL to one.",
            )
        return Node(node.api, token_for(config, node.api))
    if not config.url.lower().startswith(("http://", "https://")):
        raise Invalid(
            f"{need[0].upper()}{need[1:]} needs a node, and events go elsewhere.",
            code="needs-a-node",
            field="ASSETLOG_URL",
            value=without_password(config.url),
            rule="a node's URL begins with http:// or https://",
            hint="Set ASSETLOG_URL to a node; it writes to the same log.",
        )
    return Node(config.url.rstrip("/"), token_for(config, config.url))


def talk(emitter: Emitter, need: str, questions: Talk[Result]) -> Result:
    """Hold a conversation with the node that an emitter emits to, behind all that it emitted.

    Raises:
        AssetlogError: what the node answers, or that it does not.
    """
    node = node_of(emitter.config, need)
    emitter.flush(FLUSH_SECONDS)
    import httpx

    with httpx.Client(**_options(node)) as client:
        reply: Any = None
        while True:
            try:
                question = questions.send(reply)
            except StopIteration as end:
                result: Result = end.value
                return result
            for pause in _tries(question):
                time.sleep(pause)
                try:
                    answer = client.request(**_request(question))
                except (httpx.TransportError, OSError) as error:
                    reply = error
                else:
                    reply = Reply(answer.status_code, answer.content)
                if _is_final(reply):
                    break
            reply = _final(reply, node)


async def atalk(emitter: Emitter, need: str, questions: Talk[Result]) -> Result:
    """`talk`, awaiting instead of waiting."""
    node = node_of(emitter.config, need)
    import asyncio

    await asyncio.to_thread(emitter.flush, FLUSH_SECONDS)
    import httpx

    async with httpx.AsyncClient(**_options(node)) as client:
        reply: Any = None
        while True:
            try:
                question = questions.send(reply)
            except StopIteration as end:
                result: Result = end.value
                return result
            for pause in _tries(question):
                await asyncio.sleep(pause)
                try:
                    answer = await client.request(**_request(question))
                except (httpx.TransportError, OSError) as error:
                    reply = error
                else:
                    reply = Reply(answer.status_code, answer.content)
                if _is_final(reply):
                    break
            reply = _final(reply, node)


def _tries(question: Question) -> Iterator[float]:
    """The pauses before each try of a question."""
    yield question.pause
    yield from PAUSES


def _is_final(reply: Reply | Exception) -> bool:
    return isinstance(reply, Reply) and reply.status not in BUSY


def _final(reply: Reply | Exception, node: Node) -> Reply:
    """The reply after the last try.

    Raises:
        Unavailable: there is none, or the node was busy all the time.
    """
    if isinstance(reply, Exception):
        detail = f"No node answers at {without_password(node.url)}: {said(reply)}."
        raise Unavailable(detail, code="node-unavailable", hint="Is it up?") from reply
    if reply.status in BUSY:
        raise reply.error()
    return reply


def _request(question: Question) -> dict[str, Any]:
    headers = {"content-type": question.media_type} if question.content is not None else {}
    params = {name: value for name, value in question.params.items() if value is not None}
    return {
        "method": question.method,
        "url": question.path,
        "params": params,
        "content": question.content,
        "headers": headers,
    }


def _options(node: Node) -> dict[str, Any]:
    """How a client is made. A proxy of the environment is for the world outside, not for this machine."""
    import httpx

    local = is_loopback(node.url)
    return {
        "base_url": node.url,
        "headers": {"authorization": f"Bearer {node.token}"} if node.token else {},
        "timeout": httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        "trust_env": not local,
        "verify": not local or node.url.startswith("https://"),
    }


class _Problem(Struct):
    code: str = "refused"
    detail: str = "The node refuses."
    hint: str | None = None


_KINDS: dict[int, type[AssetlogError]] = {401: Forbidden, 403: Forbidden, 404: NotFound, 409: Conflict}
