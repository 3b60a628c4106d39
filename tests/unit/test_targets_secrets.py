"""Secrets by their place: found at delivery, allowed by the node, shown to nobody; and none may be stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assetlog.consumers.deliver.check import check_target
from assetlog.consumers.deliver.rules import Rules
from assetlog.consumers.deliver.secrets import Secrets
from assetlog.schemas.errors import Broken, Forbidden, Invalid
from assetlog.schemas.targets import as_target

TOKEN = "tk-8f3a91c2"
AIRFLOW = {"kind": "airflow", "url": "https://airflow.example/x", "dag": "d"}
PREFECT = {"kind": "prefect", "url": "https://prefect.example/api", "deployment": "d"}
DAGSTER = {"kind": "dagster", "url": "https://dagster.example", "location": "l"}
RULES = Rules(environment={"ASSETLOG_SECRET_API": f" {TOKEN}\n", "PATH": "/bin", "ASSETLOG_SECRET_TWO": "a\nb"})


def test_a_variable_is_found_without_the_space_around_it() -> None:
    assert Secrets(RULES).find("env:ASSETLOG_SECRET_API", "target.token") == TOKEN


def test_a_file_is_read_at_every_delivery(tmp_path: Path) -> None:
    rules = Rules(secrets=(f"{tmp_path}/*",))
    file = tmp_path / "token"
    for text in ("first", "second"):
        file.write_text(f"{text}\n")
        assert Secrets(rules).find(f"file:{file}", "target.token") == text


def test_a_missing_secret_is_named_and_so_is_the_field() -> None:
    with pytest.raises(Broken, match="env:ASSETLOG_SECRET_NONE") as failure:
        Secrets(RULES).find("env:ASSETLOG_SECRET_NONE", "target.secret")
    assert (failure.value.code, failure.value.field) == ("secret-missing", "target.secret")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"x" * 70_000])
def test_a_file_that_holds_no_secret_is_a_failed_attempt(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Broken, match=str(file)):
        Secrets(Rules(secrets=(f"{tmp_path}/*",))).find(f"file:{file}", "target.token")


@pytest.mark.parametrize("place", ["env:PATH", "file:/etc/passwd", "file:/run/secrets/assetlog/../../../etc/passwd"])
def test_a_target_reads_only_what_the_node_lets_it(place: str) -> None:
    with pytest.raises(Forbidden) as refusal:
        Secrets(RULES).find(place, "target.token")
    assert (refusal.value.code, "ASSETLOG_TARGETS_SECRETS" in refusal.value.hint) == ("secret-not-allowed", True)


def test_a_link_out_of_the_allowed_folder_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").write_text("hidden")
    (tmp_path / "in" / "token").symlink_to(tmp_path / "out")
    with pytest.raises(Forbidden):
        Secrets(Rules(secrets=(f"{tmp_path}/in/*",))).find(f"file:{tmp_path}/in/token", "target.token")


def test_an_allowed_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "token").write_text("found")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    rules = Rules(secrets=(f"{tmp_path}/link/*",))
    assert Secrets(rules).find(f"file:{tmp_path}/link/token", "target.token") == "found"


def test_a_header_takes_a_secret_alone_or_after_a_word() -> None:
    secrets = Secrets(RULES)
    assert secrets.header("env:ASSETLOG_SECRET_API", "f") == TOKEN
    assert secrets.header("Bearer env:ASSETLOG_SECRET_API", "f") == f"Bearer {TOKEN}"
    assert secrets.header("plain text", "f") == "plain text"


def test_a_secret_with_a_line_break_ends_up_in_no_header_and_in_no_error() -> None:
    with pytest.raises(Broken, match="ASSETLOG_SECRET_TWO") as failure:
        Secrets(RULES).header("env:ASSETLOG_SECRET_TWO", "target.headers.x")
    assert "a\\nb" not in repr(failure.value)


def test_what_was_looked_up_is_struck_out_of_texts() -> None:
    secrets = Secrets(RULES)
    secrets.find("env:ASSETLOG_SECRET_API", "f")
    secrets.learn("asked-for-token")
    assert secrets.struck(f"no {TOKEN}, no asked-for-token, http://u:pw1@h") == (
        "no [redacted], no [redacted], http://u:[redacted]@h"
    )


def hook(**fields: Any) -> Any:
    return as_target({"kind": "webhook", "url": "https://example.com/hook", **fields})


@pytest.mark.parametrize(
    "target",
    [
        hook(),
        hook(secret="env:ASSETLOG_SECRET_HOOK", headers={"Authorization": "Bearer env:ASSETLOG_SECRET_API", "x": "1"}),
        hook(url="env:ASSETLOG_SECRET_SLACK"),
        hook(url="https://example.com/hook?team=7#part"),
        as_target({**AIRFLOW, "token": "env:ASSETLOG_SECRET_A"}),
        as_target({**PREFECT, "parameters": {"rows": 1}}),
        as_target({"kind": "stream", "stream": "alerts"}),
        as_target({"kind": "python", "function": "f", "pool": "p"}),
    ],
)
def test_a_target_without_secrets_passes(target: Any) -> None:
    check_target(target, Rules())


@pytest.mark.parametrize(
    ("target", "field"),
    [
        (hook(url="https://example.com/hook?token=hunter2"), "target.url"),
        (hook(headers={"Authorization": "Bearer 0123456789abcdef"}), "target.headers.Authorization"),
        (hook(headers={"X-Api-Key": "hunter2"}), "target.headers.X-Api-Key"),
        (
            as_target({**AIRFLOW, "conf": {"db": {"password": "x"}}}),
            "target.conf.db.password",
        ),
        (
            as_target(
                {
                    "kind": "prefect",
                    "url": "https://a.example",
                    "deployment": "d",
                    "parameters": {"k": ["AKIA" + "A" * 16]},
                }
            ),
            "target.parameters.k[0]",
        ),
        (
            as_target({**DAGSTER, "run_config": {"r": {"token": "x"}}}),
            "target.run_config.r.token",
        ),
    ],
)
def test_what_looks_like_a_secret_is_not_stored(target: Any, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        check_target(target, Rules())
    assert (refusal.value.code, refusal.value.field, refusal.value.value) == ("secret-in-target", field, None)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "https://user@example.com/hook"},
        {"url": "https://user:pw@example.com/hook"},
        {"url": "https://"},
        {"url": "https://example.com:port/"},
        {"url": "https://[::1/"},
        {"url": "https://example.com/a b"},
        {"url": "https://example.com/\r\nx"},
        {"headers": {"a b": "c"}},
        {"headers": {"Host": "internal"}},
        {"headers": {"Webhook-Id": "1"}},
        {"headers": {"x": "a\r\ny: b"}},
        {"headers": {"x": "ä"}},
    ],
)
def test_a_url_or_header_that_is_none_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refusal:
        check_target(hook(**fields), Rules())
    assert refusal.value.code == "invalid-target"
    assert (refusal.value.field or "").startswith("target.")
    assert refusal.value.rule
    assert refusal.value.hint


def test_an_api_has_no_query() -> None:
    with pytest.raises(Invalid, match="without"):
        check_target(as_target({"kind": "airflow", "url": "https://a.example/?x=1", "dag": "d"}), Rules())


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "http://127.0.0.1/hook", "allow_private": True},
        {"url": "http://localhost:8080/hook", "allow_private": True},
        {"url": "http://2130706433/"},
        {"secret": "env:HOME"},
        {"secret": "file:/etc/shadow"},
        {"headers": {"x": "file:relative"}},
        {"url": "env:HOME"},
        {"headers": {"x": "env:HOME"}},
        {"headers": {"x": "Basic file:/etc/shadow"}},
    ],
)
def test_what_the_node_does_not_allow_is_refused_at_once(fields: dict[str, Any]) -> None:
    with pytest.raises(Forbidden):
        check_target(hook(**fields), Rules())


def test_a_private_api_needs_the_nodes_leave_only() -> None:
    target = as_target({"kind": "airflow", "url": "http://127.0.0.1:8080", "dag": "d"})
    with pytest.raises(Forbidden):
        check_target(target, Rules())
    check_target(target, Rules(allow_private=True))


@pytest.mark.parametrize("field", ["secret", "tocken", "headers"])
def test_a_secret_written_into_a_target_is_not_repeated_by_the_refusal(field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        hook(**{field: "hunter2"})
    assert refusal.value.field == f"target.{field}"
    assert "hunter2" not in f"{refusal.value} {refusal.value.value}"
