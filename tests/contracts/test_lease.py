"""A lease: one holder at a time, each with a higher epoch, and no wait for a holder that is known to be dead."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
import redis

from assetlog.consumers.log.home import place_of
from assetlog.consumers.log.lease import Lease


@pytest.fixture
def here(tmp_path: Path) -> str:
    home = tmp_path / "here"
    home.mkdir()
    return place_of(home)


def test_a_holder_renews_and_keeps_its_epoch(redis_sync: redis.Redis, catalog_name: str, here: str) -> None:
    lease = Lease(redis_sync, catalog_name, "scheduler", here)
    assert [lease.hold(), lease.hold(), lease.epoch] == [True, True, 1]


def test_another_place_waits_until_the_lease_is_given_up(
    redis_sync: redis.Redis, catalog_name: str, here: str, tmp_path: Path
) -> None:
    held = Lease(redis_sync, catalog_name, "scheduler", here)
    other = Lease(redis_sync, catalog_name, "scheduler", place_of(tmp_path))
    assert [held.hold(), other.hold()] == [True, False]
    held.release()
    assert [other.hold(), held.hold(), other.epoch] == [True, False, 2]


def test_another_place_takes_over_when_the_time_is_up(
    redis_sync: redis.Redis, catalog_name: str, here: str, tmp_path: Path
) -> None:
    assert Lease(redis_sync, catalog_name, "scheduler", here, 0.05).hold()
    other = Lease(redis_sync, catalog_name, "scheduler", place_of(tmp_path))
    began = time.monotonic()
    while not other.hold():
        assert time.monotonic() - began < 10
    assert other.epoch == 2


def test_who_follows_a_killed_holder_in_its_place_leads_at_once_in_a_new_epoch(
    redis_sync: redis.Redis, catalog_name: str, here: str
) -> None:
    killed, next_one = (Lease(redis_sync, catalog_name, "scheduler", here) for _ in range(2))
    assert killed.hold()
    token = killed.token
    assert next_one.hold()
    assert (next_one.epoch, redis_sync.get(next_one.key)) == (2, next_one.token.encode())
    assert next_one.token != token  # what the killed one still had on its way is refused


def test_a_value_of_another_kind_is_somebody_elses(redis_sync: redis.Redis, catalog_name: str, here: str) -> None:
    lease = Lease(redis_sync, catalog_name, "scheduler", here)
    for value in ("7 somebody", "7", "", f"7 {here}"):
        redis_sync.set(lease.key, value)
        assert not lease.hold()


def test_a_data_directory_keeps_its_place_and_a_copy_of_it_is_another(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    copy = Path(shutil.copytree(home, tmp_path / "copy"))
    assert place_of(home) == place_of(tmp_path / "copy" / ".." / "home")
    assert place_of(home) != place_of(copy)
