"""Trees and graphs as a terminal or another program draws them: pure functions over keys and edges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from assetlog.catalog.cli.output import Cell, Styled, say
from assetlog.schemas.shapes import Lineage, LineageEdge

STATE_COLOURS = {
    "fresh": "#2e7d32",
    "stale": "#f9a825",
    "failed": "#c62828",
    "checks-failing": "#ad1457",
    "unknown": "#757575",
}


class Branch(Struct):
    """A step of a tree: what it is called, what it stands for, what hangs below."""

    name: str
    key: str | None = None
    below: list[Branch] = []
    seen: bool = False
    """Shown before, with what hangs below it."""


def key_tree(keys: Iterable[str]) -> list[Branch]:
    """Keys by scheme and path; steps that do not fork are joined.

    >>> [(top.name, [leaf.name for leaf in top.below]) for top in key_tree(["s3://lake/a", "s3://lake/b"])]
    [('s3://lake/', ['a', 'b'])]
    """
    root = Branch("")
    for key in sorted(keys):
        _plant(root, key)
    return [_joined(branch) for branch in root.below]


def _plant(root: Branch, key: str) -> None:
    scheme, _, path = key.partition("://")
    steps = [f"{scheme}://", *(path.split("/") if path else [])]
    here = root
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        name = step if last or number == 0 else f"{step}/"
        found = next((branch for branch in here.below if branch.name == name), None)
        if found is None:
            found = Branch(name)
            here.below.append(found)
        here = found
    here.key = key


def _joined(branch: Branch) -> Branch:
    while len(branch.below) == 1 and branch.key is None:
        (only,) = branch.below
        branch = Branch(branch.name + only.name, only.key, only.below)
    return Branch(branch.name, branch.key, [_joined(lower) for lower in branch.below])


def walk(root: str, edges: Sequence[LineageEdge], direction: str) -> list[Branch]:
    """What lies upstream (`up`) or downstream (`down`) of an asset; each subtree is spread out once."""
    next_keys: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        here, there = (edge.downstream, edge.upstream) if direction == "up" else (edge.upstream, edge.downstream)
        next_keys[here].append(there)
    return _spread(root, next_keys, {root})


def _spread(key: str, next_keys: Mapping[str, list[str]], spread: set[str]) -> list[Branch]:
    branches = []
    for other in sorted(set(next_keys.get(key, ()))):
        seen = other in spread and bool(next_keys.get(other))
        spread.add(other)
        branches.append(Branch(other, other, [] if seen else _spread(other, next_keys, spread), seen))
    return branches


def tree_lines(branches: Sequence[Branch], before: str = "") -> Iterator[tuple[str, Branch]]:
    """Each branch with the lines that lead to it."""
    for number, branch in enumerate(branches):
        last = number == len(branches) - 1
        yield before + ("└─ " if last else "├─ "), branch
        yield from tree_lines(branch.below, before + ("   " if last else "│  "))


def print_forest(branches: Sequence[Branch], labels: Mapping[str, Sequence[Cell]]) -> None:
    """Print trees whose tops stand at the left; `labels` follow the names of keys."""
    for top in branches:
        say(top.name, *labels.get(top.key or "", ()))
        print_branches(top.below, labels)


def print_branches(branches: Sequence[Branch], labels: Mapping[str, Sequence[Cell]]) -> None:
    """Print branches below something."""
    for lines, branch in tree_lines(branches):
        again = [Styled("  (as above)", "dim")] if branch.seen else []
        say(Styled(lines, "dim"), branch.name, *labels.get(branch.key or "", ()), *again)


def mermaid(graph: Lineage) -> str:
    """The graph as a Mermaid flowchart, for Markdown pages."""
    numbers = {node.key: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    lines += [f'  {numbers[node.key]}["{_escaped(node.key)}"]:::{_class(node.state)}' for node in graph.nodes]
    lines += [f"  {numbers[edge.upstream]} --> {numbers[edge.downstream]}" for edge in graph.edges]
    lines += [
        f"  classDef {_class(state)} stroke:{STATE_COLOURS[state]},stroke-width:2px"
        for state in dict.fromkeys(node.state for node in graph.nodes)
    ]
    return "\n".join(lines)


def dot(graph: Lineage) -> str:
    """The graph for Graphviz."""
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    lines += [
        f'  {_quoted(node.key)} [color="{STATE_COLOURS[node.state]}", tooltip={_quoted(node.state)}];'
        for node in graph.nodes
    ]
    lines += [f"  {_quoted(edge.upstream)} -> {_quoted(edge.downstream)};" for edge in graph.edges]
    return "\n".join([*lines, "}"])


def _escaped(text: str) -> str:
    special = {"&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "#": "#35;"}
    return "".join(special.get(character, character) for character in text)


def _class(state: str) -> str:
    return state.replace("-", "_")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
