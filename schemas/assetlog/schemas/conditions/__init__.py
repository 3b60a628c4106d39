"""Conditions: what a consumer waits for, as a small immutable tree, in JSON, in words, and judged on what is queued."""

from __future__ import annotations

from assetlog.schemas.conditions.declare import Declared, as_condition
from assetlog.schemas.conditions.evaluate import News, Queued, Verdict, evaluate, evaluate_each, left_over, remaining
from assetlog.schemas.conditions.json_form import condition_object, decode_condition, encode_condition
from assetlog.schemas.conditions.leaves import (
    AssetAlias,
    AssetRef,
    Group,
    KeyPattern,
    Manual,
    Stale,
    group,
    matching,
    stale,
)
from assetlog.schemas.conditions.match import Subject, speaks_of
from assetlog.schemas.conditions.schedule import Cron, Deadline, cron, deadline
from assetlog.schemas.conditions.text import condition_text
from assetlog.schemas.conditions.tree import AllOf, AnyOf, AssetLeaf, Condition, Leaf, all_of, any_of, leaves

__all__ = [
    "AllOf",
    "AnyOf",
    "AssetAlias",
    "AssetLeaf",
    "AssetRef",
    "Condition",
    "Cron",
    "Deadline",
    "Declared",
    "Group",
    "KeyPattern",
    "Leaf",
    "Manual",
    "News",
    "Queued",
    "Stale",
    "Subject",
    "Verdict",
    "all_of",
    "any_of",
    "as_condition",
    "condition_object",
    "condition_text",
    "cron",
    "deadline",
    "decode_condition",
    "encode_condition",
    "evaluate",
    "evaluate_each",
    "group",
    "leaves",
    "left_over",
    "matching",
    "remaining",
    "speaks_of",
    "stale",
]
