"""The server's settings as flags: one declaration (`Settings`) serves flags, environment and documentation."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from assetlog.catalog.settings import Settings

FLAGS = {"home": "--data-dir"}
"""Settings whose flag has another name than the setting."""
COUNTED = {unit: unit for unit in ("assets", "bytes", "events", "seconds", "threads")}
"""Units that stand behind a number; a path or a URL says itself what it is."""


def add_settings(
    parser: argparse.ArgumentParser, *, only: tuple[str, ...] | None = None, without: tuple[str, ...] = ()
) -> None:
    """A flag for each setting (`only` some, `without` others), with its help, unit and default."""
    from assetlog.catalog.settings import Settings, default_of, unit_of, variable_of

    group = parser.add_argument_group("settings")
    for name, field in Settings.model_fields.items():
        if name in without or (only is not None and name not in only):
            continue
        default = " ".join(filter(None, (default_of(name) or "none", COUNTED.get(unit_of(name)))))
        help_ = f"{field.description} (default: {default}; {variable_of(name)})".replace("%", "%%")
        group.add_argument(FLAGS.get(name, f"--{name.replace('_', '-')}"), dest=name, help=help_, **_kind(field))


def read_settings(args: argparse.Namespace) -> Settings:
    """The settings in force: the flags given, the environment, the defaults."""
    from assetlog.catalog.settings import Settings

    return Settings(**{name: getattr(args, name, None) for name in Settings.model_fields})


def _kind(field: Any) -> dict[str, Any]:
    if field.annotation is bool:
        return {"action": argparse.BooleanOptionalAction, "default": None}
    words = [word for word in get_args(field.annotation) if isinstance(word, str)]
    return {"choices": words} if words else {"metavar": "VALUE"}
