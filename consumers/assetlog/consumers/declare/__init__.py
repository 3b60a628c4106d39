"""What a module declares: consumers, assets that are made when they are due, and DAGs. Nothing here runs anything."""

from __future__ import annotations
