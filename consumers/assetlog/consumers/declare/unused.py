"""Arguments of Airflow's decorators that mean nothing here: they are taken, so that code moves over unchanged."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from difflib import get_close_matches

from assetlog.consumers.declare.options import OPTION_NAMES

NOTICED = {
    "watchers": "assetlog has no watchers: let whatever knows of new data emit an event of the asset",
    "is_paused_upon_creation": "a consumer starts unpaused; `assetlog consumers pause NAME` pauses it",
    "access_control": "access is told by tokens (`assetlog token create --help`)",
}
"""Arguments that somebody may rely on, and what to do instead."""
UNUSED = frozenset(
    {
        *NOTICED,
        "allowed_run_types",
        "auto_register",
        "catchup",
        "dag_display_name",
        "deadline",
        "default_args",
        "default_view",
        "disable_bundle_versioning",
        "doc_md",
        "end_date",
        "fail_fast",
        "fileloc",
        "jinja_environment_kwargs",
        "max_active_tasks",
        "max_consecutive_failed_dag_runs",
        "on_failure_callback",
        "on_success_callback",
        "orientation",
        "owner_links",
        "params",
        "render_template_as_native_obj",
        "rerun_with_latest_version",
        "sla_miss_callback",
        "start_date",
        "tags",
        "template_searchpath",
        "template_undefined",
        "user_defined_filters",
        "user_defined_macros",
    }
)

UNUSED_OF_TASKS = frozenset(
    {
        "depends_on_past",
        "do_xcom_push",
        "doc",
        "doc_json",
        "doc_md",
        "doc_rst",
        "doc_yaml",
        "email",
        "email_on_failure",
        "email_on_retry",
        "end_date",
        "execution_timeout",
        "executor",
        "executor_config",
        "ignore_first_depends_on_past",
        "logger_name",
        "map_index_template",
        "max_active_tis_per_dag",
        "max_active_tis_per_dagrun",
        "max_retry_delay",
        "multiple_outputs",
        "on_execute_callback",
        "on_failure_callback",
        "on_retry_callback",
        "on_skipped_callback",
        "on_success_callback",
        "owner",
        "params",
        "pool",
        "pool_slots",
        "post_execute",
        "pre_execute",
        "priority_weight",
        "queue",
        "resources",
        "retry_exponential_backoff",
        "run_as_user",
        "show_return_value_in_logs",
        "sla",
        "start_date",
        "task_display_name",
        "task_group",
        "templates_dict",
        "trigger_rule",
        "wait_for_downstream",
        "wait_for_past_depends_before_skipping",
        "weight_rule",
    }
)
"""Arguments of Airflow's operators."""

logger = logging.getLogger("assetlog.declare")


def leave_unused(decorator: str, names: Iterable[str]) -> None:
    """Pass over arguments of Airflow; say so where it matters.

    Raises:
        TypeError: an argument is neither Airflow's nor ours.
    """
    for name in names:
        if name not in UNUSED:
            near = get_close_matches(name, [*UNUSED, *OPTION_NAMES], n=1)
            raise TypeError(
                f"{decorator}() has no argument {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            )
        if name in NOTICED:
            logger.warning("%s(%s=...) is left unused: %s.", decorator, name, NOTICED[name])


def no_argument(decorator: str, name: str, known: Iterable[str]) -> TypeError:
    """The error of an argument that is none."""
    near = get_close_matches(name, list(known), n=1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return TypeError(f"{decorator}() has no argument {name!r}{meant}")
