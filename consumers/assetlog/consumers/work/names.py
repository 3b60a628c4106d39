"""Which assets a function means by name: those of its module first, then the one of the catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from assetlog.consumers.declare.declaration import Declaration, declared_by
from assetlog.consumers.work.sources import Sources
from assetlog.schemas.asset import Asset
from assetlog.schemas.conditions import AssetLeaf, AssetRef, leaves


class Names:
    """Looks assets up by name.

    Args:
        sources: asked for names that no module tells.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def asset(self, declaration: Declaration, name: str) -> Asset:
        """The asset of a name: of the module, else of the catalog if one alone has it, else `asset://<name>`."""
        for asset in _of_module(declaration, name):
            return asset
        return Asset(name, self._sources.key_named(name))

    def inlets(self, declaration: Declaration) -> list[Asset]:
        """The assets that a function reads: those among its parameters, and its inlets."""
        given = [self.asset(declaration, one.name) for one in declaration.parameters if one.gets == "asset"]
        return list(dict.fromkeys([*given, *self.of(declaration, declaration.inlets)]))

    def of(self, declaration: Declaration, inlets: Sequence[Asset | AssetRef]) -> list[Asset]:
        """The assets that inlets mean."""
        return [self.asset(declaration, one.name) if isinstance(one, AssetRef) else one for one in inlets]


def _of_module(declaration: Declaration, name: str) -> Iterator[Asset]:
    """Assets that a module calls so: by a variable, or by the asset's own name."""
    variables = getattr(declaration.function, "__globals__", {})
    if isinstance(variables.get(name), Asset):
        yield variables[name]
    yield from _named(name, (value for value in variables.values() if isinstance(value, Asset)))
    for other in declared_by(declaration.module).values():
        yield from _named(name, (made for made in other.outlets if isinstance(made, Asset)))
    conditions = leaves(declaration.condition)
    yield from _named(name, (Asset(leaf.key, name=leaf.name) for leaf in conditions if isinstance(leaf, AssetLeaf)))


def _named(name: str, assets: Iterable[Asset]) -> Iterator[Asset]:
    return (asset for asset in assets if asset.name == name)
