"""Measuring a node against the bars it has to reach, and against what the machine could do without it."""
