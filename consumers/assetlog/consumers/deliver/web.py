"""Requests to hosts that somebody else chose: guarded, bounded in time and size, to the checked address only."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final, NamedTuple

import httpx

from assetlog.consumers.deliver import guard
from assetlog.consumers.deliver.rules import Rules
from assetlog.schemas.errors import Invalid, Unavailable

CONNECT_WITHIN: Final = 10.0
"""Seconds for a connection, TLS included."""
ANSWER_WITHIN: Final = 30.0
"""Seconds for a whole attempt unless the consumer says otherwise."""
MAX_ANSWER: Final = 262_144
"""Bytes of an answer that are read; what is longer is cut off."""
MAX_TRIED: Final = 4
"""Addresses of a host that are tried in turn."""


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    """By their names in any case."""
    body: bytes
    """The first `MAX_ANSWER` bytes of it."""


class Web:
    """Sends requests for targets. One connection a request: nothing is shared between targets.

    Make it in a thread: reading the certificates takes some 30 ms.

    Args:
        rules: what the node lets targets do.
        resolve: gives the addresses of a host.
        tls: the certificates to trust; the environment's (SSL_CERT_FILE, SSL_CERT_DIR), else certifi's.
    """

    def __init__(self, rules: Rules, resolve: guard.Resolve = guard.resolve, tls: ssl.SSLContext | None = None) -> None:
        self._rules = rules
        self._resolve = resolve
        self._agent = f"assetlog/{version('assetlog')}"
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls or httpx.create_ssl_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, private: bool = True, within: float | None = None
    ) -> Answer:
        """POST JSON to a URL. No redirect is followed, no proxy is used, no cookie is kept.

        Args:
            private: whether the target says that the host may be in a private network.
            within: seconds for all of it; `ANSWER_WITHIN` if None.

        Raises:
            Forbidden: the host is where targets may not lead.
            Invalid: the URL is none.
            Unavailable: nothing answered in time.
        """
        within = ANSWER_WITHIN if within is None else within
        try:
            async with asyncio.timeout(within):
                return await self._post(url, body, headers, private)
        except TimeoutError:
            raise Unavailable(f"The target did not answer within {within:g} s.", code="target-timeout") from None

    async def close(self) -> None:
        """Let go of what is held."""
        await self._transport.aclose()

    async def _post(self, text: str, body: bytes, headers: Mapping[str, str], private: bool) -> Answer:
        url = _url(text)
        port = url.port or (443 if url.scheme == "https" else 80)
        host = url.raw_host.decode("ascii")
        found = await guard.addresses(self._rules, host, port, private=private, resolve=self._resolve)
        failure: Exception | None = None
        for address in found[:MAX_TRIED]:
            try:
                return await self._post_at(address, url, body, headers)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
            except (httpx.HTTPError, OSError, ValueError) as error:
                raise _unreachable(host, error) from None
        raise _unreachable(host, failure or OSError("no address")) from None

    async def _post_at(self, address: str, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        request = httpx.Request(
            "POST",
            url.copy_with(host=address),
            headers={
                "user-agent": self._agent,
                "accept": "application/json",
                "content-type": "application/json",
                **headers,
                "accept-encoding": "identity",  # nothing is unpacked here
                "host": url.netloc.decode("ascii"),
            },
            content=body,
            extensions={
                # the certificate is checked against the name, although the address is what is connected to
                "sni_hostname": url.raw_host.decode("ascii"),
                "timeout": httpx.Timeout(None, connect=CONNECT_WITHIN).as_dict(),
            },
        )
        response = await self._transport.handle_async_request(request)
        try:
            return Answer(response.status_code, response.headers, await _first_bytes(response))
        finally:
            await response.aclose()


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise _invalid(str(error)) from None
    if url.scheme not in {"http", "https"} or not url.host:
        raise _invalid("it has no http:// or https:// and host")
    if url.userinfo:
        raise _invalid("it holds a user or a password; headers tell those")
    return url.copy_with(fragment=None)


def _invalid(why: str) -> Invalid:
    return Invalid(
        f"The target's URL is none: {why}.",
        code="invalid-target",
        field="target.url",
        rule="a URL has http:// or https://, a host and no user information",
        hint="Write it like https://example.com/hook.",
    )


async def _first_bytes(response: httpx.Response) -> bytes:
    """What an answer begins with; an endless one is not read to its end."""
    parts: list[bytes] = []
    size = 0
    async for part in response.stream:  # type: ignore[union-attr]
        parts.append(part)
        size += len(part)
        if size >= MAX_ANSWER:
            break
    return b"".join(parts)[:MAX_ANSWER]


def _unreachable(host: str, error: Exception) -> Unavailable:
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return Unavailable(f"The target's host {host} gave no answer: {text}.", code="target-unreachable", value=host)
