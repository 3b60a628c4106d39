"""Tokens on a real log server: kept hashed, known to every node within a second, gone from no list."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis

from assetlog.catalog.access.keeper import LOOK_EVERY, Keeper
from assetlog.catalog.access.store import TokenStore
from assetlog.catalog.access.tokens import new_token
from assetlog.schemas.errors import NotFound, Unavailable
from assetlog.schemas.stream import stream_key

MANY_LOOKS = 20


@pytest.fixture
def store(redis_sync: redis.Redis, catalog_name: str) -> TokenStore:
    return TokenStore(redis_sync, catalog_name)


def everything(client: redis.Redis) -> bytes:
    """All that a log server holds, as one text."""
    found: list[bytes] = []
    for key in client.scan_iter():
        found.append(key)
        found.append(client.dump(key) or b"")
    return b"\0".join(found)


def test_the_server_never_learns_the_secret_and_the_log_nothing_at_all(
    store: TokenStore, redis_sync: redis.Redis, catalog_name: str
) -> None:
    created = store.add(new_token("ci", ["events:write"], ["s3://a/*"]))
    assert created.token.split("_", 2)[2].encode() not in everything(redis_sync)
    assert not redis_sync.exists(stream_key(catalog_name))


def test_every_change_counts_up(store: TokenStore) -> None:
    assert store.version() == 0
    created = store.add(new_token("ci", ["events:write"]))
    store.revoke(created.id)
    assert store.version() == 2
    assert store.forget_all() == 1
    assert store.version() == 3
    assert store.listed() == []


def test_a_revoked_token_stays_listed_with_its_last_use(store: TokenStore) -> None:
    created = store.add(new_token("ci", ["events:write"]))
    store.note_uses({created.id: "2026-11-21T17:52:50Z"})
    revoked = store.revoke(created.id)
    assert (revoked.state, revoked.last_used) == ("revoked", "2026-11-21T17:52:50Z")
    assert store.revoke(created.id) == revoked
    assert store.listed() == [revoked]
    with pytest.raises(NotFound):
        store.revoke("none")


async def until(holds: Any) -> None:
    for _ in range(MANY_LOOKS):
        if holds():
            return
        await asyncio.sleep(LOOK_EVERY / 2)
    raise AssertionError("it never came to hold")


async def test_a_node_learns_of_tokens_made_and_ended_elsewhere(store: TokenStore) -> None:
    keeper = Keeper(store)
    await keeper.open()
    try:
        before = keeper.has_tokens
        created = store.add(new_token("ci", ["events:write"]))
        await until(lambda: keeper.has_tokens)
        caller = keeper.find(created.token)
        assert caller is not None
        assert not before
        assert keeper.knows(caller)
        store.add(new_token("other", ["admin"]))
        store.revoke(created.id)
        await until(lambda: not keeper.knows(caller))
        ended = keeper.find(created.token)
        assert ended is not None
        assert ended.ended(0)
        assert keeper.has_tokens
    finally:
        await keeper.close()
    assert [row.last_used is not None for row in store.listed() if row.name == "ci"] == [True]


async def test_what_is_known_of_tokens_outlives_the_log_server(store: TokenStore, catalog_name: str) -> None:
    keeper = Keeper(store)
    created = store.add(new_token("ci", ["events:write"]))
    await keeper.refresh()
    keeper.store = TokenStore(redis.Redis(unix_socket_path="/nowhere/at/all.sock"), catalog_name)
    with pytest.raises(Unavailable):
        await keeper.refresh()
    assert keeper.find(created.token) is not None
