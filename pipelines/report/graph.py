"""Small directed graphs without cycles, for the picture of a lineage."""

from collections.abc import Iterable, Mapping, Sequence

Link = tuple[str, str]  # from, to


def leading_to(end: str, links: Iterable[Link]) -> set[Link]:
    """The links on some way to `end`."""
    links, kept, waiting = set(links), set[Link](), [end]
    while waiting:
        target = waiting.pop()
        new = {link for link in links if link[1] == target} - kept
        kept |= new
        waiting += [source for source, _ in new]
    return kept


def reduced(links: Iterable[Link]) -> set[Link]:
    """Without links that a longer way stands for (transitive reduction)."""
    links = set(links)
    return {(source, target) for source, target in links if not _joined(source, target, links - {(source, target)})}


def rows(links: Iterable[Link], order: Sequence[str], width: int) -> list[list[str]]:
    """Rows of at most `width` names, every link leading to a later row; each name as late as it can be.

    In a row, names stand over what they lead to; among those that lead to the same, the longest way comes first.

    Args:
        links: at least one; their ends are all among `order`.
        order: of names that stand for the same.
        width: of a row.
    """
    links = set(links)
    names = {name for link in links for name in link}
    depths: dict[str, int] = {}
    for name in sorted(names, key=order.index):
        _measure(name, links, depths)
    found: list[list[str]] = []
    places: dict[str, float] = {}
    for depth in range(max(depths.values()) + 1):
        here = [name for name in names if depths[name] == depth]
        here.sort(key=lambda name: (_middle(name, links, places), -_height(name, links), order.index(name)))
        places |= {name: place / len(here) for place, name in enumerate(here)}
        found += [here[start : start + width] for start in range(0, len(here), width)]
    return found[::-1]


def _measure(name: str, links: set[Link], depths: dict[str, int]) -> int:
    """The longest way from `name` to an end."""
    if name not in depths:
        depths[name] = max(
            (1 + _measure(target, links, depths) for source, target in links if source == name), default=0
        )
    return depths[name]


def _height(name: str, links: set[Link]) -> int:
    """The longest way from a beginning to `name`."""
    return max((1 + _height(source, links) for source, target in links if target == name), default=0)


def _middle(name: str, links: set[Link], places: Mapping[str, float]) -> float:
    targets = [places[target] for source, target in links if source == name]
    return sum(targets) / len(targets) if targets else 0.0


def _joined(source: str, target: str, links: set[Link]) -> bool:
    waiting, seen = [source], set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        following = {end for begin, end in links if begin == name} - seen
        if target in following:
            return True
        waiting += following
    return False
