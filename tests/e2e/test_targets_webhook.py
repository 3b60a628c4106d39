"""Webhooks to real servers on this machine: signed, guarded, bounded, and failing in words."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import msgspec
import pytest
import trustme
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from assetlog.consumers.deliver import web
from assetlog.consumers.deliver.deliverer import Deliverer
from assetlog.consumers.deliver.rules import Rules, parse_hosts
from assetlog.consumers.work.outcomes import Exhausted, RetryLater
from assetlog.schemas.errors import AssetlogError, Broken, Forbidden, Invalid, Unavailable
from assetlog.schemas.work import Work, WorkEvent

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_KEY = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ENVIRONMENT = {
    "ASSETLOG_SECRET_HOOK": KEY,
    "ASSETLOG_SECRET_BOTH": f"{KEY} {OLD_KEY}",
    "ASSETLOG_SECRET_API": "tk-77aa31",
}
OPEN = Rules(allow_private=True, environment=ENVIRONMENT)
Receiving = Callable[..., AbstractAsyncContextManager[Any]]
Failure = Callable[..., Awaitable[Exception]]
OK = b"HTTP/1.1 204 No Content\r\n\r\n"
TRIGGER = "0199c0de-0000-7000-8000-000000000001"


@pytest.fixture
def receiving(http_server: Any) -> Receiving:
    """A receiver that answers these in turn, the last one for ever; 204 unless told otherwise."""

    def start(*answers: bytes, **options: Any) -> AbstractAsyncContextManager[Any]:
        left = list(answers or [OK])
        return http_server(lambda _: left.pop(0) if len(left) > 1 else left[0], **options)  # type: ignore[no-any-return]

    return start


@pytest.fixture
def failure(receiving: Receiving) -> Failure:
    """What an attempt raises when the receiver answers so."""

    async def attempt(*answers: bytes, **target: Any) -> Exception:
        async with receiving(*answers) as receiver:
            with pytest.raises(Exception) as raised:
                await deliver(work(f"{receiver.url}/", **target))
        return raised.value

    return attempt


def answer(status: int, body: str = "", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Some", f"content-length: {len(body.encode())}", *headers, "", body]
    return "\r\n".join(lines).encode()


def work(url: str, *, attempt: int = 1, timeout: float | None = None, **target: Any) -> Work:
    return Work(
        trigger=TRIGGER,
        consumer="report",
        target={"kind": "webhook", "url": url, "allow_private": True, **target},
        fired="2026-11-22T08:00:00.000000Z",
        position="1763747570910-0",
        partition="2026-11-21",
        attempt=attempt,
        timeout=timeout,
        count=2,
        events=(WorkEvent(1 << 20, "s3://lake/orders", "2026-11-21"), WorkEvent(2 << 20, None)),
        outlets=("s3://lake/report",),
    )


def to(*found: str) -> Callable[[str, int], Awaitable[list[str]]]:
    """A resolver that gives these addresses."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(found)

    return resolve


async def deliver(todo: Work, rules: Rules = OPEN, **options: Any) -> None:
    deliverer = Deliverer(rules, None, "default", **options)  # type: ignore[arg-type]
    try:
        await deliverer.execute(todo)
    finally:
        await deliverer.close()


async def test_a_trigger_is_told_in_a_signed_message_that_the_other_sides_library_verifies(
    receiving: Receiving,
) -> None:
    async with receiving() as receiver:
        await deliver(work(f"{receiver.url}/hook?team=7", secret="env:ASSETLOG_SECRET_HOOK"))
    (got,) = receiver.got
    assert got.line == "POST /hook?team=7 HTTP/1.1"
    assert (got.headers["webhook-id"], got.headers["content-type"]) == (TRIGGER, "application/json")
    told = Webhook(KEY).verify(got.body, got.headers)
    assert told == {
        "type": "trigger.fired",
        "timestamp": "2026-11-22T08:00:00.000000Z",
        "data": {
            "trigger": TRIGGER,
            "consumer": "report",
            "partition": "2026-11-21",
            "attempt": 1,
            "fired": "2026-11-22T08:00:00.000000Z",
            "position": "1763747570910-0",
            "count": 2,
            "events": [
                {"position": "1-0", "key": "s3://lake/orders", "partition": "2026-11-21"},
                {"position": "2-0", "key": None, "partition": None},
            ],
            "outlets": ["s3://lake/report"],
        },
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD_KEY).verify(got.body, got.headers)


async def test_a_second_attempt_has_the_same_id_and_a_signature_of_its_own(receiving: Receiving) -> None:
    async with receiving(answer(500), OK) as receiver:
        url, secret = f"{receiver.url}/", "env:ASSETLOG_SECRET_HOOK"
        with pytest.raises(Unavailable, match="answered 500"):
            await deliver(work(url, secret=secret), clock=lambda: time.time() - 60)
        await deliver(work(url, secret=secret, attempt=2))
    first, second = (got.headers for got in receiver.got)
    assert first["webhook-id"] == second["webhook-id"]
    assert first["webhook-signature"] != second["webhook-signature"]
    assert Webhook(KEY).verify(receiver.got[1].body, second)["data"]["attempt"] == 2


async def test_while_a_key_is_replaced_both_sign(receiving: Receiving) -> None:
    async with receiving() as receiver:
        await deliver(work(f"{receiver.url}/", secret="env:ASSETLOG_SECRET_BOTH"))
    (got,) = receiver.got
    for key in (KEY, OLD_KEY):
        Webhook(key).verify(got.body, got.headers)


async def test_headers_carry_secrets_by_their_place_and_nothing_is_signed_without_a_key(receiving: Receiving) -> None:
    async with receiving() as receiver:
        headers = {"Authorization": "Bearer env:ASSETLOG_SECRET_API", "X-Team": "data"}
        await deliver(work(f"{receiver.url}/", headers=headers))
    got = receiver.got[0].headers
    assert (got["authorization"], got["x-team"]) == ("Bearer tk-77aa31", "data")
    assert "webhook-signature" not in got


async def test_a_url_that_is_a_secret_itself_is_named_by_its_place(receiving: Receiving) -> None:
    async with receiving() as receiver:
        rules = Rules(allow_private=True, environment={"ASSETLOG_SECRET_URL": f"{receiver.url}/s3cr3t"})
        await deliver(work("env:ASSETLOG_SECRET_URL"), rules)
    assert receiver.got[0].line == "POST /s3cr3t HTTP/1.1"


@pytest.mark.parametrize("environment", [{}, {"ASSETLOG_SECRET_HOOK": "whsec_"}, {"ASSETLOG_SECRET_HOOK": "whsec_!"}])
async def test_a_missing_or_broken_key_fails_the_attempt_and_sends_nothing(
    environment: dict[str, str], receiving: Receiving
) -> None:
    async with receiving() as receiver:
        todo = work(f"{receiver.url}/", secret="env:ASSETLOG_SECRET_HOOK")
        with pytest.raises(Broken, match="ASSETLOG_SECRET_HOOK"):
            await deliver(todo, Rules(allow_private=True, environment=environment))
    assert receiver.got == []


async def test_a_refusal_shows_its_status_and_how_it_begins_without_secrets(failure: Failure) -> None:
    body = "you sent tk-77aa31\n" + "x" * 1000
    error = await failure(answer(400, body), headers={"x-key": "env:ASSETLOG_SECRET_API"})
    assert isinstance(error, Unavailable)
    assert str(error).startswith("The target answered 400: you sent [redacted] xxx")
    assert len(str(error)) < 280


async def test_gone_means_that_no_attempt_follows(failure: Failure) -> None:
    assert isinstance(await failure(answer(410, "bye")), Exhausted)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_receiver_says_when_to_come_again(status: int, failure: Failure) -> None:
    error = await failure(answer(status, "", "retry-after: 120"))
    assert isinstance(error, RetryLater)
    assert error.seconds == 120
    assert str(status) in str(error)
    assert isinstance(await failure(answer(status)), Unavailable)


async def test_nobody_is_told_to_wait_longer_than_an_hour(failure: Failure) -> None:
    error = await failure(answer(503, "", "retry-after: 999999"))
    assert isinstance(error, RetryLater)
    assert error.seconds == 3600
    late = await failure(answer(503, "", "retry-after: Wed, 21 Oct 2015 07:28:00 GMT"))
    assert isinstance(late, RetryLater)
    assert late.seconds == 0


async def test_a_redirect_is_a_failure_that_says_so_and_leads_nowhere(receiving: Receiving, failure: Failure) -> None:
    async with receiving() as inner:
        error = await failure(answer(302, "", f"location: {inner.url}/"))
        assert isinstance(error, Unavailable)
        assert "redirects are not followed" in str(error)
        assert inner.got == []


async def test_an_endless_answer_is_cut_off(failure: Failure) -> None:
    huge = b"HTTP/1.1 500 No\r\n\r\n" + b"x" * (4 * web.MAX_ANSWER)
    error = await failure(huge)
    assert "answered 500" in str(error)


async def test_a_receiver_that_does_not_answer_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable, match=r"within 0\.05 s"):
        await deliver(work(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.05))


async def test_a_closed_port_is_a_failed_attempt(receiving: Receiving) -> None:
    async with receiving() as receiver:
        port = receiver.port
    with pytest.raises(Unavailable, match="ConnectError"):
        await deliver(work(f"http://127.0.0.1:{port}/"))


async def test_broken_http_is_a_failed_attempt(receiving: Receiving, failure: Failure) -> None:
    assert isinstance(await failure(b"SSH-2.0-OpenSSH\r\n\r\n"), Unavailable)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://0.0.0.0:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f.1:{port}/",
    ],
)
async def test_this_machine_is_out_of_reach_however_it_is_spelt(url: str, receiving: Receiving) -> None:
    async with receiving() as receiver:
        with pytest.raises((Forbidden, Unavailable)):
            await deliver(work(url.format(port=receiver.port)), Rules())
    assert receiver.got == []


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.1", "192.168.0.1", "fe80::1", "fd00::1", "224.0.0.1"])
async def test_a_name_that_resolves_to_a_forbidden_address_is_refused(address: str) -> None:
    with pytest.raises(Forbidden, match=r"innocent\.example"):
        await deliver(work("http://innocent.example/"), Rules(), resolve=to("8.8.8.8", address))


async def test_the_node_and_the_target_must_both_allow_a_private_host(receiving: Receiving) -> None:
    async with receiving() as receiver:
        url = f"http://hooks.lan:{receiver.port}/"
        listed = Rules(allow=parse_hosts(["hooks.lan"]))
        with pytest.raises(Forbidden):
            await deliver(work(url, allow_private=False), listed, resolve=to("127.0.0.1"))
        with pytest.raises(Forbidden):
            await deliver(work(url), Rules(), resolve=to("127.0.0.1"))
        await deliver(work(url), listed, resolve=to("127.0.0.1"))
    assert [got.headers["host"] for got in receiver.got] == [f"hooks.lan:{receiver.port}"]


async def test_the_checked_address_is_the_one_that_is_connected_to(receiving: Receiving) -> None:
    """DNS rebinding: a name that is harmless when it is checked and somewhere else a moment later."""
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    async with receiving() as receiver, receiving(host="127.0.0.2", port=receiver.port) as evil:
        rules = Rules(allow=parse_hosts(["127.0.0.1"]))
        await deliver(work(f"http://rebind.invalid:{receiver.port}/"), rules, resolve=rebinding)
        with pytest.raises(Forbidden, match=r"127\.0\.0\.2"):
            await deliver(work(f"http://rebind.invalid:{receiver.port}/"), rules, resolve=rebinding)
    assert asked == ["rebind.invalid"] * 2
    assert (len(receiver.got), evil.got) == (1, [])


async def test_the_next_address_is_tried_when_one_does_not_answer(receiving: Receiving) -> None:
    async with receiving() as receiver:
        await deliver(work(f"http://two.example:{receiver.port}/"), resolve=to("127.0.0.9", "127.0.0.1"))
    assert len(receiver.got) == 1


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = httpx.create_ssl_context()
    authority.configure_trust(context)
    return context


async def test_the_certificate_is_checked_against_the_name_and_not_the_address(
    authority: trustme.CA, receiving: Receiving
) -> None:
    names: list[str | None] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hook.example").configure_cert(server)
    server.sni_callback = lambda _socket, name, _context: names.append(name)
    async with receiving(tls=server) as receiver:
        url = f"https://hook.example:{receiver.port}/"
        await deliver(work(url), resolve=to("127.0.0.1"), tls=trusting(authority))
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await deliver(work(url.replace("hook", "other")), resolve=to("127.0.0.1"), tls=trusting(authority))
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await deliver(work(url), resolve=to("127.0.0.1"))
    assert names[:2] == ["hook.example", "other.example"]
    assert len(receiver.got) == 1


async def test_a_name_in_other_letters_is_resolved_and_checked_in_its_ascii_form(
    receiving: Receiving, authority: trustme.CA
) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("xn--mnchen-3ya.example").configure_cert(server)
    async with receiving(tls=server) as receiver:
        url = f"https://münchen.example:{receiver.port}/"
        await deliver(work(url), resolve=resolve, tls=trusting(authority))
    assert asked == ["xn--mnchen-3ya.example"]
    assert receiver.got[0].headers["host"] == f"xn--mnchen-3ya.example:{receiver.port}"


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch, receiving: Receiving) -> None:
    async with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await deliver(work(f"{receiver.url}/"))
    assert (len(proxy.got), len(receiver.got)) == (0, 1)


async def test_a_url_with_a_password_is_refused_also_where_it_comes_from_a_secret() -> None:
    rules = Rules(allow_private=True, environment={"ASSETLOG_SECRET_URL": "http://me:hunter2@127.0.0.1/"})
    with pytest.raises(Invalid) as refusal:
        await deliver(work("env:ASSETLOG_SECRET_URL"), rules)
    assert "hunter2" not in str(refusal.value)


async def test_a_target_that_is_none_is_not_tried_again() -> None:
    todo = msgspec.structs.replace(work("http://x.example/"), target={"kind": "webhok"})
    with pytest.raises(Exhausted, match="kind"):
        await deliver(todo)
    python = msgspec.structs.replace(todo, target={"kind": "python", "function": "f", "pool": "p"})
    with pytest.raises(Exhausted, match="assetlog work"):
        await deliver(python)


async def test_every_error_that_is_no_bug_is_one_of_ours(failure: Failure) -> None:
    for error in (await failure(answer(404)), await failure(b"")):
        assert isinstance(error, AssetlogError)


async def test_only_the_first_thousand_events_are_told(receiving: Receiving) -> None:
    events = tuple(WorkEvent(number << 20, "s3://a") for number in range(1, 1502))
    async with receiving() as receiver:
        todo = work(f"{receiver.url}/")
        await deliver(msgspec.structs.replace(todo, count=1501, events=events))
    told = msgspec.json.decode(receiver.got[0].body)["data"]
    assert (told["count"], len(told["events"])) == (1501, 1000)
