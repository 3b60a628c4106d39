"""The log's names on the Redis server. Every Redis key of assetlog is built here."""

from __future__ import annotations

import re

from assetlog.schemas.errors import Invalid

EVENT_FIELD = "event"
"""The one field of a stream entry: the CloudEvent's bytes."""
DEFAULT_CATALOG = "default"
WORK_FIELD = "work"
"""The one field of an entry in a stream of work: a `Work` in JSON."""
WORKERS = "workers"
"""The consumer group of a pool's workers."""

_CATALOG = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def stream_key(catalog: str = DEFAULT_CATALOG) -> str:
    """The Redis key of a catalog's log; the braces keep all keys of a catalog on one cluster slot.

    >>> stream_key()
    'assetlog:{default}:events'
    """
    return f"assetlog:{{{check_catalog(catalog)}}}:events"


def check_catalog(catalog: str) -> str:
    """A catalog's name, unchanged: 1 to 63 lower-case letters, digits, ``-`` and ``_``."""
    if not _CATALOG.fullmatch(catalog):
        raise Invalid(
            f"{catalog[:60]!r} is not a catalog name.",
            code="invalid-catalog",
            field="catalog",
            value=catalog,
            rule="a catalog's name has 1 to 63 lower-case letters, digits, - and _",
        )
    return catalog


def work_key(catalog: str, pool: str) -> str:
    """The Redis key of the work of a pool of workers: a stream with a group, `WORKERS`.

    >>> work_key("default", "pipeline")
    'assetlog:{default}:work:pipeline'
    """
    return f"assetlog:{{{check_catalog(catalog)}}}:work:{pool}"


def sent_key(catalog: str) -> str:
    """The Redis key of the triggers that were handed to workers lately, by when: none is handed out twice."""
    return f"assetlog:{{{check_catalog(catalog)}}}:sent"


def delivered_key(catalog: str, stream: str, trigger: str) -> str:
    """The Redis key that says that a trigger was added to somebody's stream; on a cluster it is in that stream's slot.

    >>> delivered_key("default", "alerts", "0199")
    'assetlog:{alerts}:delivered:default:0199'
    """
    _, brace, rest = stream.partition("{")
    tag, closed, _ = rest.partition("}")
    slot = tag if brace and closed and tag else stream
    return f"assetlog:{{{slot}}}:delivered:{check_catalog(catalog)}:{trigger}"


def lease_key(catalog: str, name: str) -> str:
    """The Redis key of the lease on what only one node may do.

    >>> lease_key("default", "archiver")
    'assetlog:{default}:lease:archiver'
    """
    return f"assetlog:{{{check_catalog(catalog)}}}:lease:{name}"


def epoch_key(catalog: str, name: str) -> str:
    """The Redis key that counts how often a lease changed hands."""
    return f"assetlog:{{{check_catalog(catalog)}}}:epoch:{name}"


def nodes_key(catalog: str) -> str:
    """The Redis key of the nodes that fold a catalog's log: how far each is, and when it last said so."""
    return f"assetlog:{{{check_catalog(catalog)}}}:nodes"


def archive_key(catalog: str) -> str:
    """The Redis key of what is known of a catalog's archive: how far it reaches, and how far the log was trimmed."""
    return f"assetlog:{{{check_catalog(catalog)}}}:archive"


def tokens_key(catalog: str) -> str:
    """The Redis key of a catalog's access tokens, without their secrets.

    >>> tokens_key("default")
    'assetlog:{default}:tokens'
    """
    return f"assetlog:{{{check_catalog(catalog)}}}:tokens"


def tokens_version_key(catalog: str) -> str:
    """The Redis key that counts the changes of a catalog's tokens."""
    return f"{tokens_key(catalog)}:version"


def token_uses_key(catalog: str) -> str:
    """The Redis key of when each token was used last."""
    return f"{tokens_key(catalog)}:uses"
