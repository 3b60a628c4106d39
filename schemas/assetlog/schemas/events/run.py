"""Executions. The event's `subject` is the run's id."""

from __future__ import annotations

from msgspec import Raw

from assetlog.schemas.events.common import EMPTY, Data, Name, Seconds, Text


class CodeLocation(Data, frozen=True, kw_only=True):
    """Where the executed code stands."""

    path: Name | None = None
    line: int | None = None
    repository: Name | None = None
    version: Name | None = None


class RunStarted(Data, frozen=True, kw_only=True):
    """A run began."""

    job: Name | None = None
    """What is executed."""
    parent: Name | None = None
    """The id of the run that started it."""
    code: CodeLocation | None = None
    metadata: Raw = EMPTY
    """Parameters, tags and the like: any JSON object."""
    by: Name | None = None


class RunSucceeded(Data, frozen=True, kw_only=True):
    """A run ended well."""

    job: Name | None = None
    parent: Name | None = None
    duration: Seconds | None = None
    """In seconds."""
    metadata: Raw = EMPTY
    by: Name | None = None


class RunFailed(Data, frozen=True, kw_only=True):
    """A run ended in an error."""

    error: Text
    traceback: Text | None = None
    job: Name | None = None
    parent: Name | None = None
    duration: Seconds | None = None
    metadata: Raw = EMPTY
    by: Name | None = None


class RunSkipped(Data, frozen=True, kw_only=True):
    """A run ended without doing its work, on purpose."""

    reason: Text | None = None
    job: Name | None = None
    parent: Name | None = None
    duration: Seconds | None = None
    metadata: Raw = EMPTY
    by: Name | None = None
