"""Small directed acyclic graphs, for the picture of a lineage."""

from collections.abc import Iterable, Mapping, Sequence

Link = tuple[str, str]  # from, to


def keep_paths_to(end: str, links: Iterable[Link]) -> set[Link]:
    """Keep the links on some path to `end`."""
    links, kept, waiting = set(links), set[Link](), [end]
    while waiting:
        target = waiting.pop()
        new = {link for link in links if link[1] == target} - kept
        kept |= new
        waiting += [source for source, _ in new]
    return kept


def reduce_links(links: Iterable[Link]) -> set[Link]:
    """Remove links that a longer path implies (transitive reduction)."""
    links = set(links)
    return {(source, target) for source, target in links if not _has_path(source, target, links - {(source, target)})}


def arrange_rows(links: Iterable[Link], order: Sequence[str], width: int) -> list[list[str]]:
    """Arranges names in rows of at most `width`, every link leading to a later row; each name as late as possible.

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
        _measure_depth(name, links, depths)
    found: list[list[str]] = []
    places: dict[str, float] = {}
    for depth in range(max(depths.values()) + 1):
        here = [name for name in names if depths[name] == depth]
        here.sort(
            key=lambda name: (_average_target(name, links, places), -_measure_height(name, links), order.index(name))
        )
        places |= {name: place / len(here) for place, name in enumerate(here)}
        found += [here[start : start + width] for start in range(0, len(here), width)]
    return found[::-1]


def _measure_depth(name: str, links: set[Link], depths: dict[str, int]) -> int:
    """Measure the longest path from `name` to an end."""
    if name not in depths:
        depths[name] = max(
            (1 + _measure_depth(target, links, depths) for source, target in links if source == name), default=0
        )
    return depths[name]


def _measure_height(name: str, links: set[Link]) -> int:
    """Measure the longest path from a beginning to `name`."""
    return max((1 + _measure_height(source, links) for source, target in links if target == name), default=0)


def _average_target(name: str, links: set[Link], places: Mapping[str, float]) -> float:
    targets = [places[target] for source, target in links if source == name]
    return sum(targets) / len(targets) if targets else 0.0


def _has_path(source: str, target: str, links: set[Link]) -> bool:
    waiting, seen = [source], set[str]()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        following = {end for begin, end in links if begin == name} - seen
        if target in following:
            return True
        waiting += following
    return False
