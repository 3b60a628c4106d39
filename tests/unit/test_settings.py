"""Settings: who wins, what is refused, and that nothing secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from assetlog.catalog.settings import Settings, variable_of, without_password
from assetlog.catalog.settings_reference import main, reference
from assetlog.schemas.errors import Invalid


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable_of(name), raising=False)


def origins(settings: Settings) -> dict[str, str]:
    return {each.name: each.origin for each in settings.explain()}


def test_a_flag_wins_over_the_environment_and_that_over_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETLOG_PORT", "1111")
    monkeypatch.setenv("ASSETLOG_CATALOG", "lake")
    settings = Settings(port=2222, host=None)
    assert (settings.port, settings.catalog, settings.host) == (2222, "lake", "127.0.0.1")
    found = origins(settings)
    assert (found["port"], found["catalog"], found["host"]) == ("flag", "environment ASSETLOG_CATALOG", "default")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETLOG_PORT", "")
    settings = Settings()
    assert (settings.port, origins(settings)["port"]) == (8470, "default")


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1


@pytest.mark.parametrize(
    ("flags", "field"),
    [
        ({"port": 70_000}, "port"),
        ({"port": "many"}, "port"),
        ({"catalog": "Not A Name"}, "catalog"),
        ({"log_format": "xml"}, "log_format"),
        ({"reader_threads": 0}, "reader_threads"),
        ({"prot": 1}, "prot"),
    ],
)
def test_a_setting_that_breaks_its_rule_is_named(flags: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        Settings(**flags)
    assert (refusal.value.field, refusal.value.code) == (field, "invalid-setting")
    assert variable_of(field) in refusal.value.hint


def test_the_home_is_an_absolute_path_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings().home == tmp_path / ".assetlog"
    assert Settings(home="~/data").home == tmp_path / "data"


def test_allowed_hosts_are_a_list_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSETLOG_ALLOWED_HOSTS", "one.example, two.example,")
    assert Settings().allowed_hosts == ("one.example", "two.example")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://me:s3cr3t@host:6379/0", "redis://me:***@host:6379/0"),
        ("redis://:s3cr3t@host", "redis://:***@host"),
        ("rediss://host?password=s3cr3t&db=1", "rediss://host?password=***&db=1"),
        ("unix:///run/log.sock", "unix:///run/log.sock"),
        ("redis://host:6379", "redis://host:6379"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    settings = Settings(redis_url=url)
    assert without_password(url) == shown
    assert "s3cr3t" not in repr(settings) + str(settings) + str(settings.explain())


def test_every_setting_is_explained_in_the_reference() -> None:
    text = reference()
    for name, field in Settings.model_fields.items():
        assert field.description
        assert f"`{variable_of(name)}`" in text
    assert main(["--check"]) == 0, "run make docs"
