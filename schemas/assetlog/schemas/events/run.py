"""Executions. The event's `subject` is the run's id."""

from __future__ import annotations

from assetlog.schemas.events.common import EMPTY, Data, Name, Object, Seconds, Text


class CodeLocation(Data, frozen=True, kw_only=True):
    """Where the executed code stands."""

    path: Name | None = None
    """The file."""
    line: int | None = None
    """The line in it."""
    repository: Name | None = None
    """Where its source is kept."""
    version: Name | None = None
    """The version of the code, e.g. a git commit."""


class RunStarted(Data, frozen=True, kw_only=True):
    """A run began."""

    job: Name | None = None
    """What is executed."""
    parent: Name | None = None
    """The id of the run that started it."""
    code: CodeLocation | None = None
    """Where the executed code stands."""
    metadata: Object = EMPTY
    """Parameters, tags and the like: any JSON object."""
    by: Name | None = None
    """The tool or the person that says so."""


class RunSucceeded(Data, frozen=True, kw_only=True):
    """A run ended well."""

    job: Name | None = None
    """What was executed."""
    parent: Name | None = None
    """The id of the run that started it."""
    duration: Seconds | None = None
    """In seconds."""
    metadata: Object = EMPTY
    """Results, tags and the like: any JSON object."""
    by: Name | None = None
    """The tool or the person that says so."""


class RunFailed(Data, frozen=True, kw_only=True):
    """A run ended in an error."""

    error: Text
    """What went wrong, e.g. `TimeoutError: 30 s`."""
    traceback: Text | None = None
    """The full traceback."""
    job: Name | None = None
    """What was executed."""
    parent: Name | None = None
    """The id of the run that started it."""
    duration: Seconds | None = None
    """How long it ran, in seconds."""
    metadata: Object = EMPTY
    """Results, tags and the like: any JSON object."""
    by: Name | None = None
    """The tool or the person that says so."""


class RunSkipped(Data, frozen=True, kw_only=True):
    """A run ended without doing its work, on purpose."""

    reason: Text | None = None
    """Why, in words."""
    job: Name | None = None
    """What was executed."""
    parent: Name | None = None
    """The id of the run that started it."""
    duration: Seconds | None = None
    """How long it ran, in seconds."""
    metadata: Object = EMPTY
    """Results, tags and the like: any JSON object."""
    by: Name | None = None
    """The tool or the person that says so."""
