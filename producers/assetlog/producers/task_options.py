"""The options of tasks and flows: those that mean something without an orchestrator, and a warning for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from assetlog.producers.notices import warn_once
from assetlog.schemas.errors import Invalid

Hook = Callable[..., object]
"""Called with (task, run, state); may be a coroutine function."""

ORCHESTRATED = frozenset(
    {
        "cache_expiration",
        "cache_key_fn",
        "cache_policy",
        "cache_result_in_memory",
        "description",
        "flow_run_name",
        "log_prints",
        "on_cancellation",
        "on_commit",
        "on_crashed",
        "on_rollback",
        "on_running",
        "persist_result",
        "refresh_cache",
        "result_serializer",
        "result_storage",
        "result_storage_key",
        "task_run_name",
        "task_runner",
        "validate_parameters",
        "version",
        "viz_return_value",
    }
)
"""Prefect's options that need its engine: accepted, without effect."""


class TaskOptions(Struct, frozen=True, kw_only=True):
    """How a call is tried."""

    retries: int = 0
    retry_delays: tuple[float, ...] = ()
    """Seconds before each retry; the last one goes on to count."""
    retry_jitter: float = 0.0
    """Up to so much longer, as a share of the delay."""
    retry_condition: Hook | None = None
    timeout: float | None = None
    """Seconds for one attempt."""
    tags: tuple[str, ...] = ()
    on_success: tuple[Hook, ...] = ()
    on_failure: tuple[Hook, ...] = ()

    def delay_after(self, attempt: int) -> float | None:
        """Seconds to wait after the failure of an attempt (the first is 1); None if it was the last.

        >>> options = TaskOptions(retries=3, retry_delays=(1.0, 5.0))
        >>> [options.delay_after(attempt) for attempt in (1, 2, 3, 4)]
        [1.0, 5.0, 5.0, None]
        """
        if attempt > self.retries:
            return None
        if not self.retry_delays:
            return 0.0
        import random

        delay = self.retry_delays[min(attempt, len(self.retry_delays)) - 1]
        return delay * (1 + random.random() * self.retry_jitter)  # noqa: S311 - spreads retries, keeps no secret


NO_OPTIONS = TaskOptions()


def task_options(before: TaskOptions, given: Mapping[str, Any], of: str) -> TaskOptions:
    """Options with some of them changed.

    Args:
        before: what holds for those that are not given.
        given: by Prefect's names.
        of: whose they are, for messages.

    Raises:
        Invalid: a value breaks its rule.
        TypeError: there is no such option.
    """
    changes: dict[str, Any] = {}
    for name, value in given.items():
        if name in ORCHESTRATED:
            warn_once(f"{of}: the option {name!r} needs an orchestrator and has no effect here")
        elif name in _READ:
            field, read = _READ[name]
            changes[field] = read(name, value)
        else:
            raise TypeError(f"{of} got an unexpected keyword argument {name!r}")
    if "retry_delays" in changes and callable(changes["retry_delays"]):
        changes["retry_delays"] = tuple(changes["retry_delays"](changes.get("retries", before.retries)))
    return TaskOptions(**{**{name: getattr(before, name) for name in before.__struct_fields__}, **changes})


def exponential_backoff(backoff_factor: float) -> Callable[[int], list[float]]:
    """Delays that double: `retry_delay_seconds=exponential_backoff(10)` waits 10, 20, 40, ... seconds.

    >>> exponential_backoff(10)(3)
    [10.0, 20.0, 40.0]
    """
    return lambda retries: [float(backoff_factor) * 2**retry for retry in range(retries)]


def _retries(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _invalid(name, value, "retries is a whole number from 0 on", "Give how often to try again.")
    return value


def _delays(name: str, value: Any) -> Any:
    if value is None:
        return ()
    if callable(value):
        return value
    delays = tuple(value) if isinstance(value, list | tuple) else (value,)
    return tuple(_seconds(name, delay) or 0.0 for delay in delays)


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise _invalid(name, value, f"{name} is a number of seconds from 0 on", "Write it like 2.5.")
    return float(value)


def _share(name: str, value: Any) -> float:
    return _seconds(name, value) or 0.0


def _tags(name: str, value: Any) -> tuple[str, ...]:
    tags = () if value is None else tuple(value)
    if isinstance(value, str) or not all(isinstance(tag, str) for tag in tags):
        raise _invalid(name, value, "tags are several texts", 'Write them like ["nightly"].')
    return tuple(sorted(set(tags)))


def _hooks(name: str, value: Any) -> tuple[Hook, ...]:
    hooks: Iterable[Any] = () if value is None else [value] if callable(value) else value
    found = tuple(hooks)
    if not all(map(callable, found)):
        raise _invalid(name, value, f"{name} is a list of functions", "Write it like [tell_the_team].")
    return found


def _condition(name: str, value: Any) -> Hook | None:
    if value is not None and not callable(value):
        raise _invalid(name, value, f"{name} is a function", "Give one that returns whether to try again.")
    return value  # type: ignore[no-any-return]  # callable or None


def _invalid(name: str, value: Any, rule: str, hint: str) -> Invalid:
    return Invalid(f"{name} cannot be {value!r}.", code="invalid-option", field=name, value=value, rule=rule, hint=hint)


_READ: dict[str, tuple[str, Callable[[str, Any], Any]]] = {
    "retries": ("retries", _retries),
    "retry_delay_seconds": ("retry_delays", _delays),
    "retry_jitter_factor": ("retry_jitter", _share),
    "retry_condition_fn": ("retry_condition", _condition),
    "timeout_seconds": ("timeout", _seconds),
    "tags": ("tags", _tags),
    "on_success": ("on_success", _hooks),
    "on_completion": ("on_success", _hooks),
    "on_failure": ("on_failure", _hooks),
}
"""Option -> the field it fills, and what reads it."""
