"""Workers: they take work from a pool's stream, run it, and say in the log what became of it."""

from __future__ import annotations
