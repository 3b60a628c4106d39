"""`http://` and `https://` post events to a node, as NDJSON, and read its receipt."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from assetlog.producers.transports import is_loopback
from assetlog.producers.transports.verdicts import said
from assetlog.schemas.errors import AssetlogError, Forbidden, Invalid, Unavailable
from assetlog.schemas.shapes import Accepted, Receipt, Rejected

if TYPE_CHECKING:
    import httpx

PATH = "/v1/events"
BLOBS_PATH = "/v1/blobs"
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0
RETRIES = (0.05, 0.25)
"""Seconds between the tries of one batch."""
LONGEST_WAIT = 2.0
"""Seconds; a node that asks for more (`Retry-After`) gets its events through the spool."""


class _Culprit(Struct):
    index: int | None = None
    field: str | None = None
    value: str | None = None
    rule: str | None = None


class _Answer(Struct):
    """A receipt or a problem, whichever the body is."""

    accepted: list[Accepted] = []
    rejected: list[Rejected] = []
    ack: Literal["disk", "memory", "unknown"] = "unknown"
    code: str = "refused"
    detail: str = ""
    hint: str | None = None
    errors: list[_Culprit] = []


class NodeTransport:
    """Posts batches over one kept connection. Repeating a post is safe: the node knows an event by its id."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url: str = url.rstrip("/")
        self.token = token
        self._client: httpx.Client | None = None

    def send(self, batch: Sequence[bytes]) -> Receipt:
        """Post the batch; a node that is busy or away is asked again twice."""
        for pause in (*RETRIES, None):
            try:
                return self._post(batch)
            except _AskAgain as again:
                if pause is None or again.after > LONGEST_WAIT:
                    raise again.error from None
                time.sleep(max(pause, again.after))
        raise AssertionError("the last try returns or raises")

    def upload(self, content: bytes) -> None:
        """Have the node keep an image. Repeating it is safe.

        Raises:
            Invalid: the node refuses the image.
            Unavailable: the node can't be reached, or asks to come again.
            Forbidden: the node takes nothing from this caller.
        """
        import httpx

        try:
            client = self._client = self._client or self._open()
            headers = {"content-type": "application/octet-stream"}
            response = client.post(self.url + BLOBS_PATH, content=content, headers=headers)
        except (httpx.TransportError, httpx.InvalidURL, OSError) as error:
            raise Unavailable(f"No node answers at {self.url}: {said(error)}.", code="node-unavailable") from error
        if not response.is_success:
            raise _not_kept(response.status_code, response.content)

    def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _post(self, batch: Sequence[bytes]) -> Receipt:
        import httpx

        try:
            client = self._client = self._client or self._open()
            response = client.post(self.url + PATH, content=b"\n".join(batch))
        except httpx.InvalidURL as error:
            raise Unavailable(f"The node's URL is not one: {error}.", code="invalid-url") from error
        except (httpx.TransportError, OSError) as error:
            reason = f"No node answers at {self.url}: {said(error)}."
            raise _AskAgain(Unavailable(reason, code="node-unavailable", hint="Is it up?")) from error
        if response.status_code == 413 and len(batch) > 1:
            half = len(batch) // 2
            return _joined(self._post(batch[:half]), self._post(batch[half:]), half)
        return _receipt(response.status_code, response.headers, response.content, len(batch))

    def _open(self) -> httpx.Client:
        import httpx

        headers = {"content-type": "application/x-ndjson", "accept": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        timeout = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
        # A proxy of the environment is for the world outside, not for this machine; and on this machine, loading
        # the certificates for nothing would take longer than the answer.
        local = is_loopback(self.url)
        secure = not local or self.url.startswith("https://")
        return httpx.Client(headers=headers, timeout=timeout, trust_env=not local, verify=secure)


def _not_kept(status: int, content: bytes) -> AssetlogError:
    """Why a node does not keep an image. A node of an older version knows no images."""
    answer = _decoded(content)
    detail = answer.detail.rstrip(".") if answer and answer.detail else f"the answer has status {status}"
    if status in {400, 404, 405, 413, 415}:
        return Invalid(f"The node does not keep the image: {detail}.", code=answer.code if answer else "refused")
    if status in {401, 403}:
        return Forbidden(f"The node takes nothing from us: {detail}.", hint="Check ASSETLOG_TOKEN.")
    return Unavailable(f"The node does not take the image now: {detail}.", code="node-busy")


class _AskAgain(Exception):
    """The same post may succeed soon."""

    def __init__(self, error: AssetlogError, after: float = 0.0) -> None:
        self.error = error
        self.after = after
        """Seconds the node asks to wait."""
        super().__init__(str(error))


def _receipt(status: int, headers: httpx.Headers, content: bytes, size: int) -> Receipt:
    answer = _decoded(content)
    if answer is not None and (status in {200, 201, 202, 207} or answer.rejected):
        if len(answer.accepted) + len(answer.rejected) != size:
            raise _strange(status, f"a receipt of {len(answer.accepted) + len(answer.rejected)} for {size} events")
        return Receipt(accepted=answer.accepted, ack=answer.ack, rejected=answer.rejected)
    if answer is not None and (status in {400, 413, 415, 422} or answer.code == "reserved-type"):
        return Receipt(accepted=[], ack="unknown", rejected=list(_refused(answer, size)))
    detail = answer.detail.rstrip(".") if answer and answer.detail else f"the answer has status {status}"
    if status in {401, 403}:
        raise Forbidden(f"The node takes nothing from us: {detail}.", hint="Check ASSETLOG_TOKEN.")
    if status in {429, 502, 503, 504}:
        error = Unavailable(f"The node asks to come again: {detail}.", code="node-busy")
        raise _AskAgain(error, _seconds(headers.get("retry-after")))
    if status >= 500:
        raise Unavailable(f"The node failed: {detail}.", code="node-failed", hint="Its log tells why.")
    raise _strange(status, detail)


def _decoded(content: bytes) -> _Answer | None:
    try:
        return msgspec.json.decode(content, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _refused(answer: _Answer, size: int) -> Iterable[Rejected]:
    """A problem that speaks of the whole batch, as a refusal of each of its events."""
    named = {culprit.index: culprit for culprit in answer.errors}
    for index in range(size):
        culprit = named.get(index) or named.get(None) or _Culprit()
        yield Rejected(
            index=index,
            code=answer.code,
            detail=answer.detail,
            field=culprit.field,
            value=culprit.value,
            rule=culprit.rule,
            hint=answer.hint,
        )


def _strange(status: int, detail: str) -> Unavailable:
    return Unavailable(
        f"What answers ({status}) does not speak as a node does: {detail}.",
        code="not-a-node",
        hint="Does ASSETLOG_URL name an assetlog node?",
    )


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isascii() and text.isdigit() else 0.0


def _joined(first: Receipt, second: Receipt, size: int) -> Receipt:
    moved = [msgspec.structs.replace(refused, index=refused.index + size) for refused in second.rejected]
    return Receipt(
        accepted=[*first.accepted, *second.accepted],
        ack=first.ack if first.ack == second.ack else "unknown",
        rejected=[*first.rejected, *moved],
    )


def open_transport(url: str, catalog: str, token: str | None) -> NodeTransport:  # noqa: ARG001 - a node has one catalog
    """The transport of a node's URL."""
    return NodeTransport(url, token)
