"""What became of a call, as a value: for who asks instead of catching."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from assetlog.producers.lineage import Keys

Result = TypeVar("Result")
StateType = Literal["COMPLETED", "FAILED", "CANCELLED", "SKIPPED"]


class Skip(Exception):
    """Raise it in a task to say that there is nothing to do: the run is recorded as skipped, no asset is touched."""


class UpstreamFailed(RuntimeError):
    """A future among a task's arguments failed, so the task did not run."""


class State(Generic[Result]):
    """What became of a call of a flow or a task.

    Args:
        ended: how it ended.
        error: what it raised; None if it returned.
        value: what it returned.
        keys: the assets behind that.
    """

    __slots__ = ("_keys", "_value", "error", "type")

    def __init__(
        self, ended: StateType, *, value: Any = None, error: BaseException | None = None, keys: Keys = ()
    ) -> None:
        self.type: StateType = ended
        self.error: BaseException | None = error
        self._value = value
        self._keys = keys

    @classmethod
    def of_error(cls, error: BaseException) -> State[Any]:
        """The state of a call that raised.

        >>> State.of_error(ValueError("no rows"))
        Failed(ValueError: no rows)
        """
        if isinstance(error, Skip):
            return cls("SKIPPED", error=error)
        failed = isinstance(error, Exception)
        return cls("FAILED" if failed else "CANCELLED", error=error)

    @property
    def name(self) -> str:
        """`Completed`, `Failed`, `Cancelled` or `Skipped`."""
        return self.type.capitalize()

    @property
    def message(self) -> str | None:
        """The error's text."""
        return None if self.error is None else f"{type(self.error).__name__}: {self.error}"

    def is_completed(self) -> bool:
        """Whether it returned."""
        return self.type == "COMPLETED"

    def is_failed(self) -> bool:
        """Whether it raised an error."""
        return self.type == "FAILED"

    def is_cancelled(self) -> bool:
        """Whether it was cancelled or interrupted."""
        return self.type == "CANCELLED"

    def result(self, raise_on_failure: bool = True) -> Result:
        """What it returned; the error is raised, or with `raise_on_failure=False` returned."""
        if self.error is None:
            value: Result = self._value
            return value
        if raise_on_failure:
            raise self.error
        return self.error  # type: ignore[return-value]  # asked for

    def behind(self) -> Keys:
        """The keys of the assets behind the result."""
        return self._keys

    def __repr__(self) -> str:
        return f"{self.name}({self.message or ''})"
