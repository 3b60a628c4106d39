"""The sentence under each field of an event, read from the source, for JSON Schemas and the reference."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise

from msgspec import Struct


def field_docs(struct: type[Struct]) -> dict[str, str]:
    """What each of a Struct's own fields means, without line breaks.

    >>> from assetlog.schemas.events.common import RunRef
    >>> field_docs(RunRef)["id"]
    "The run's id, as its runtime gave it."
    """
    source = ast.parse(textwrap.dedent(inspect.getsource(struct))).body[0]
    assert isinstance(source, ast.ClassDef)
    docs = {}
    for node, after in pairwise([*source.body, ast.Pass()]):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            docs[node.target.id] = " ".join(_lone_text(after).split())
    return docs


def _lone_text(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""
