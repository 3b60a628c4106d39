"""`@dag`: a function of tasks that runs when its schedule says, as Airflow's decorator of that name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, overload

from msgspec.structs import replace

from assetlog.consumers.declare.assets import condition_of
from assetlog.consumers.declare.consumer import first_paragraph
from assetlog.consumers.declare.declaration import Declaration, declare
from assetlog.consumers.declare.options import OPTION_NAMES, read_options
from assetlog.consumers.declare.unused import leave_unused
from assetlog.schemas.conditions import Condition, Declared


class Dag:
    """A DAG that was declared, by a call of the function that `@dag` decorates."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration

    @property
    def dag_id(self) -> str:
        """The consumer's name."""
        return self.declaration.name

    def test(self) -> Any:
        """Run it here and now, without a worker: nothing is recorded, no asset is touched."""
        return self.declaration.function(*self.declaration.args, **self.declaration.kwargs)

    def __repr__(self) -> str:
        return f"<DAG {self.dag_id}>"


class DagFunction:
    """A function of tasks. Calling it declares the DAG; a worker runs it."""

    def __init__(self, function: Callable[..., Any], declaration: Declaration) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function = function
        self.declaration = declaration

    def __call__(self, *args: Any, **kwargs: Any) -> Dag:
        """Declare the DAG, with these arguments for each run."""
        inspect.signature(self.function).bind(*args, **kwargs)
        declaration = replace(self.declaration, args=args, kwargs=kwargs)
        declare(declaration)
        return Dag(declaration)


@overload
def dag(dag_id: Callable[..., Any], /) -> DagFunction: ...
@overload
def dag(
    dag_id: str | None = None, *, schedule: Declared | None = None, description: str | None = None, **more: Any
) -> Callable[[Callable[..., Any]], DagFunction]: ...
def dag(
    dag_id: str | Callable[..., Any] | None = None,
    *,
    schedule: Declared | None = None,
    description: str | None = None,
    **more: Any,
) -> Any:
    """Make a function of tasks a DAG. Call it, where it stands, to declare it.

    Args:
        dag_id: the consumer's name; the function's unless given.
        schedule: when it runs, as `on` of `consumer`; None: when somebody asks for it.
        description: what it does; the docstring's first paragraph unless given.
        more: the options of `consumer`; of Airflow's, `max_active_runs` and `dagrun_timeout` mean what they say, the
            others are left unused.

    Raises:
        Invalid: something breaks a rule.

    Example:
        ``@dag(schedule=orders | users)`` above ``def report(): ...``, then ``report()``
    """
    if callable(dag_id):
        return dag()(dag_id)
    options = _translated(more)
    leave_unused("dag", [name for name in options if name not in (*OPTION_NAMES, "pool")])
    read = read_options(**{name: value for name, value in options.items() if name in OPTION_NAMES})
    condition: Condition = condition_of(schedule)

    def decorate(function: Callable[..., Any]) -> DagFunction:
        return DagFunction(
            function,
            Declaration(
                name=dag_id or function.__name__,
                module=function.__module__,
                function=function,
                condition=condition,
                options=read,
                pool=options.get("pool"),
                description=description or first_paragraph(function),
            ),
        )

    return decorate


def _translated(more: Mapping[str, Any]) -> dict[str, Any]:
    """Airflow's names for options that we have, too."""
    names = {"max_active_runs": "max_active", "dagrun_timeout": "timeout"}
    return {names.get(name, name): value for name, value in more.items()}
