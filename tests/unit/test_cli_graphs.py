"""Trees and graphs as text."""

from __future__ import annotations

from assetlog.catalog.cli.graphs import dot, key_tree, mermaid, tree_lines, walk
from assetlog.schemas.shapes import Lineage, LineageEdge, LineageNode


def edge(upstream: str, downstream: str) -> LineageEdge:
    return LineageEdge(upstream=upstream, downstream=downstream, first_seen="1-0")


def drawn(edges: list[LineageEdge], root: str, direction: str) -> list[str]:
    branches = walk(root, edges, direction)
    return [f"{lines}{branch.name}{' *' if branch.seen else ''}" for lines, branch in tree_lines(branches)]


def test_upstream_and_downstream_hang_below_the_root() -> None:
    edges = [edge("a://1", "a://3"), edge("a://2", "a://3"), edge("a://3", "a://4")]
    assert drawn(edges, "a://3", "up") == ["├─ a://1", "└─ a://2"]
    assert drawn(edges, "a://3", "down") == ["└─ a://4"]


def test_a_diamond_is_spread_out_once() -> None:
    edges = [
        edge("a://0", "a://1"),
        edge("a://1", "a://2"),
        edge("a://1", "a://3"),
        edge("a://2", "a://4"),
        edge("a://3", "a://4"),
    ]
    assert drawn(edges, "a://4", "up") == ["├─ a://2", "│  └─ a://1", "│     └─ a://0", "└─ a://3", "   └─ a://1 *"]


def test_a_cycle_ends() -> None:
    edges = [edge("a://1", "a://2"), edge("a://2", "a://1")]
    assert drawn(edges, "a://1", "up") == ["└─ a://2", "   └─ a://1 *"]


def test_keys_nest_by_scheme_and_path_and_steps_that_do_not_fork_are_joined() -> None:
    top, other = key_tree(["s3://lake/raw/a", "s3://lake/raw/b", "s3://lake/mart", "pg://db"])
    assert (top.name, top.key) == ("pg://db", "pg://db")
    assert other.name == "s3://lake/"
    assert [(branch.name, branch.key) for branch in other.below] == [("mart", "s3://lake/mart"), ("raw/", None)]
    assert [leaf.key for leaf in other.below[1].below] == ["s3://lake/raw/a", "s3://lake/raw/b"]


def test_an_asset_may_be_a_step_to_another_one() -> None:
    (top,) = key_tree(["s3://lake", "s3://lake/a"])
    keys = {branch.key for _, branch in tree_lines([top])}
    assert keys >= {"s3://lake", "s3://lake/a"}


def test_every_key_is_in_the_tree_once() -> None:
    keys = ["a://", "a://b", "a://b/", "a://b/c", "a://b//c", "d://e?x=1"]
    shown = [branch.key for _, branch in tree_lines(key_tree(keys)) if branch.key]
    assert sorted(shown) == sorted(keys)


GRAPH = Lineage(
    root='a://"quoted"',
    nodes=[LineageNode(key='a://"quoted"', state="fresh"), LineageNode(key="b://x", state="checks-failing")],
    edges=[edge('a://"quoted"', "b://x")],
    position="1-0",
)


def test_mermaid_names_each_asset_and_escapes_its_key() -> None:
    text = mermaid(GRAPH)
    assert text.startswith("flowchart LR\n")
    assert 'n0["a://#quot;quoted#quot;"]:::fresh' in text
    assert "n0 --> n1" in text
    assert "classDef checks_failing" in text


def test_dot_quotes_each_key() -> None:
    assert '"a://\\"quoted\\"" -> "b://x";' in dot(GRAPH)
