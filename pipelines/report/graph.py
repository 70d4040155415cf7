"""Arrange small directed acyclic graphs, for the picture of a lineage."""

from collections.abc import Iterable, Mapping, Sequence

Link = tuple[str, str]  # from, to


def keep_paths_to(end: str, links: Iterable[Link]) -> set[Link]:
    """Return the links on some path to `end`.

    Example:
        >>> sorted(keep_paths_to("c", [("a", "b"), ("b", "c"), ("b", "d")]))
        [('a', 'b'), ('b', 'c')]
    """
    links, kept, waiting = set(links), set[Link](), [end]
    while waiting:
        target = waiting.pop()
        new = {link for link in links if link[1] == target} - kept
        kept |= new
        waiting += [source for source, _ in new]
    return kept


def reduce_links(links: Iterable[Link]) -> set[Link]:
    """Return the links without those that a longer path implies (transitive reduction).

    Example:
        >>> sorted(reduce_links([("a", "b"), ("b", "c"), ("a", "c")]))
        [('a', 'b'), ('b', 'c')]
    """
    links = set(links)
    return {(source, target) for source, target in links if not _has_path(source, target, links - {(source, target)})}


def arrange_rows(links: Iterable[Link], order: Sequence[str], width: int) -> list[list[str]]:
    """Arrange names in rows so that every link leads to a later row, and each name is in the latest possible row.

    Within a row, names are sorted by the positions of the names they link to. Names with the same targets are sorted
    by the longest path to them, longest first, then by `order`.

    Args:
        links: One or more; all of their ends are in `order`.
        order: All names.
        width: Names in a row, at most.

    Returns:
        The rows, top first.
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
    """Return the length of the longest path that begins at `name`, and store it in `depths`."""
    if name not in depths:
        depths[name] = max(
            (1 + _measure_depth(target, links, depths) for source, target in links if source == name), default=0
        )
    return depths[name]


def _measure_height(name: str, links: set[Link]) -> int:
    """Return the length of the longest path that ends at `name`."""
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
