"""How long a busy target makes one wait, and what a node's settings make of targets."""

from __future__ import annotations

import msgspec
import pytest

from assetlog.catalog.settings import Settings
from assetlog.catalog.targets import rules_of
from assetlog.consumers.deliver.answers import pause_of, shown
from assetlog.consumers.deliver.rules import SECRETS, Rules
from assetlog.consumers.deliver.secrets import Secrets
from assetlog.schemas.errors import Invalid
from assetlog.schemas.targets import DELIVERY_ATTEMPTS, DELIVERY_BACKOFF
from assetlog.schemas.work import Work


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("30", 30.0),
        ("999999999999", 3600.0),
        ("Sun, 22 Nov 2026 08:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 07:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2027 07:00:00 GMT", 3600.0),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_pause_is_read_as_seconds_or_as_a_date(value: str, seconds: float | None) -> None:
    assert pause_of({"retry-after": value}, now=1795334400.0) == seconds


def test_an_answer_is_shown_on_one_line_and_short() -> None:
    told = shown(b"<html>\r\n  <b>\x1b[31mno\x00 \xff" + b"y" * 500, Secrets(Rules()))
    assert told.startswith("<html> <b> [31mno \ufffdyyy")
    assert len(told) == 201


def test_deliveries_go_on_for_hours() -> None:
    first = Work(trigger="t", consumer="c", target={}, fired="", position="1-0", backoff=DELIVERY_BACKOFF)
    attempts = [msgspec.structs.replace(first, attempt=number) for number in range(1, DELIVERY_ATTEMPTS)]
    assert 5 * 3600 < sum(attempt.pause() for attempt in attempts) < 6 * 3600


def test_a_node_allows_nothing_private_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALLOW", "ALLOW_PRIVATE", "ONLY_ALLOWED", "SECRETS"):
        monkeypatch.delenv(f"ASSETLOG_TARGETS_{name}", raising=False)
    rules = rules_of(Settings())
    assert (rules.allow_private, rules.only_allowed, rules.secrets) == (False, False, SECRETS)
    assert not rules.allow.holds_name("localhost")


def test_the_environment_says_which_hosts_and_secrets_targets_may_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETLOG_TARGETS_ALLOW", "airflow.lan, 10.1.0.0/16")
    monkeypatch.setenv("ASSETLOG_TARGETS_SECRETS", "HOOK_*, /etc/hooks/*")
    monkeypatch.setenv("HOOK_KEY", "hunter2")
    rules = rules_of(Settings())
    assert rules.allow.holds_name("airflow.lan")
    assert rules.allows_secret("/etc/hooks/key")
    assert Secrets(rules).find("env:HOOK_KEY", "target.secret") == "hunter2"
    assert "hunter2" not in repr(rules)


@pytest.mark.parametrize("hosts", ["https://a.example", "10.1.2.3/8", "a b"])
def test_a_host_that_is_none_stops_the_start(hosts: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Settings(targets_allow=hosts)
    assert (refusal.value.field, refusal.value.code) == ("targets_allow", "invalid-setting")
    assert hosts.split(",", maxsplit=1)[0] in str(refusal.value)
