"""Consumers' schedules: when the clock brings them news."""

from __future__ import annotations
