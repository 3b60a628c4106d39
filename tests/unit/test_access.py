"""Tokens, their limits and what they may write, without a node."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assetlog.catalog.access.binding import lets_anonymous_in, refuse_open_bind
from assetlog.catalog.access.gate import CALLER, Gate, Nobody, authorize
from assetlog.catalog.access.keeper import Keeper
from assetlog.catalog.access.limits import Bucket, TooFast
from assetlog.catalog.access.tokens import check_prefix, is_secret_of, new_token, parse, read_expiry
from assetlog.catalog.settings import Settings
from assetlog.schemas.errors import Broken, Forbidden, Invalid


def test_a_token_is_recognised_by_its_secret_alone_and_keeps_none_of_it() -> None:
    made, other = new_token("ci", ["events:write"]), new_token("ci", ["events:write"])
    parsed = parse(made.text)
    assert parsed is not None
    assert parsed.id == made.token.id != other.token.id
    assert is_secret_of(made.token, parsed.secret)
    assert not is_secret_of(other.token, parsed.secret)
    assert parsed.secret not in repr(made.token)


@pytest.mark.parametrize("text", ["", "asl", "asl__", "asl_0123456789ab_", "asl_0123456789ab_é" + "x" * 42])
def test_what_cannot_be_a_token_has_no_parts(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("prefix", ["", "*", "s3", "s3:/", "s3://team", "s3://te*am/*", "s3://a/?x/", "s3://me:pw@h/*"])
def test_a_prefix_ends_where_a_step_of_the_key_ends(prefix: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_prefix(prefix)
    assert refusal.value.code == "invalid-token-request"


def test_an_end_is_an_age_or_a_time() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    assert read_expiry("12h", now) == now + timedelta(hours=12)
    assert read_expiry("2026-12-24T18:00:00Z") == datetime(2026, 12, 24, 18, tzinfo=UTC)
    with pytest.raises(Invalid):
        read_expiry("-3d")


def test_a_bucket_lets_its_rate_through_and_says_when_to_come_again() -> None:
    now = [100.0]
    bucket = Bucket(10, "events", clock=lambda: now[0])
    bucket.take(4)
    bucket.take(25)  # larger than a second's worth, yet it has to pass some time
    with pytest.raises(TooFast) as refusal:
        bucket.take(1)
    assert refusal.value.retry_after == 2
    now[0] += 1.9
    with pytest.raises(TooFast):
        bucket.take(1)
    now[0] += 0.2
    bucket.take(1)


def test_a_rate_below_one_a_second_works_too() -> None:
    now = [0.0]
    bucket = Bucket(0.5, "requests", clock=lambda: now[0])
    bucket.take(1)
    with pytest.raises(TooFast) as refusal:
        bucket.take(1)
    now[0] += refusal.value.retry_after
    bucket.take(1)


def test_a_rate_of_zero_is_no_limit() -> None:
    bucket = Bucket(0, "requests")
    for _ in range(1000):
        bucket.take(1000)


def test_nobody_who_was_not_admitted_is_authorized() -> None:
    for scope in ({}, {CALLER: None}, {CALLER: "admin"}, {CALLER: Nobody.STRANGER}):
        with pytest.raises(Forbidden):
            authorize(scope, ["catalog:read"], "/v1/assets")
    authorize({CALLER: Nobody.STRANGER}, [], "/health/live")


def test_a_node_that_is_not_open_admits_nobody_without_tokens() -> None:
    never: Any = None
    scope = {"path": "/v1/assets", "headers": []}
    refusal = Gate(Keeper(never), open_to_all=False).admit(scope)
    assert refusal is not None
    assert refusal.code == "no-token"
    assert CALLER not in scope


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "node.example"])
def test_other_machines_come_in_only_with_tokens(host: str, tmp_path: Path) -> None:
    settings = Settings(host=host, home=tmp_path)
    with pytest.raises(Broken) as refusal:
        refuse_open_bind(settings)
    assert "assetlog token create" in refusal.value.hint
    refuse_open_bind(settings, has_tokens=True)
    assert not lets_anonymous_in(settings)
    assert lets_anonymous_in(Settings(host=host, home=tmp_path, allow_anonymous=True))
