"""Draw the lineage of a run: the nodes with their outputs, from the data to the pushed version."""

import dataclasses
from typing import Any

from pipelines.nodes import (
    ANOMALY_GATE,
    EXAMPLE_GEN,
    IMPORT_SCHEMA_GEN,
    PUSHER,
    STATISTICS_GEN,
    TRAINER,
    TRANSFORM,
)
from pipelines.report import graph
from pipelines.runs import Run, RunError
from pipelines.runs.lineage import Lineage

_WIDTH, _HEIGHT = 190, 64  # of a box, in the picture's units
_GAP, _STEP = 16, 40  # between boxes, between rows
_PER_ROW = 2  # boxes that fit on a phone
_ENDS = (PUSHER, TRAINER, TRANSFORM, ANOMALY_GATE, STATISTICS_GEN)  # the picture ends at the first that the run has
_DATA, _CONTRACT, _PUSHED, _NODE, _GATE = "data", "contract", "pushed", "node", "gate"
_DIGITS = 8  # of a digest: enough to tell two apart; the section on the environment has them in full


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeBox:
    """A node, the data, the contract, or the pushed version, as a box of the picture."""

    name: str
    lines: tuple[str, ...]  # below the name
    kind: str  # its colour
    x: float
    y: float


def draw_lineage(run: Run) -> dict[str, Any]:
    """Return the content of the section: the picture, and the same facts as text.

    Args:
        run: The run to report on.

    Raises:
        RunError: ML Metadata has no record of the run, or no node read another's output before it ended.
    """
    found = run.lineage()
    links = _select_links(found)
    if not links:
        raise RunError(f"run {run.id} ended before a node read another node's output: there is no lineage to show.")
    nodes = [step.node for step in found.steps]
    order = [_DATA, _CONTRACT, *nodes, _PUSHED]
    texts = _describe_boxes(found, run)
    boxes = {}
    rows = graph.arrange_rows(links, order, _PER_ROW)
    width = _PER_ROW * _WIDTH + (_PER_ROW - 1) * _GAP
    for number, row in enumerate(rows):
        left = (width - len(row) * _WIDTH - (len(row) - 1) * _GAP) / 2
        for place, name in enumerate(row):
            title, lines, kind = texts[name]
            x, y = left + place * (_WIDTH + _GAP) + 1, number * (_HEIGHT + _STEP) + 1
            boxes[name] = NodeBox(name=title, lines=lines, kind=kind, x=x, y=y)
    return {
        "boxes": list(boxes.values()),
        "box": {"width": _WIDTH, "height": _HEIGHT},
        "paths": [_draw_path(boxes[source], boxes[target]) for source, target in sorted(links)],
        "width": width + 2,
        "height": len(rows) * (_HEIGHT + _STEP) - _STEP + 2,
        "facts": _list_facts(found),
    }


def _select_links(found: Lineage) -> set[graph.Link]:
    links = {(edge.source, edge.target) for edge in found.edges}
    reading = {name for link in links for name in link}
    end = next((name for name in _ENDS if name in reading), None)
    if end is None:
        return set()
    if EXAMPLE_GEN in reading:
        links.add((_DATA, EXAMPLE_GEN))
    if IMPORT_SCHEMA_GEN in reading:
        links.add((_CONTRACT, IMPORT_SCHEMA_GEN))
    links = graph.reduce_links(graph.keep_paths_to(end, links))
    return links | ({(end, _PUSHED)} if found.versions and end == PUSHER else set())


def _describe_boxes(found: Lineage, run: Run) -> dict[str, tuple[str, tuple[str, ...], str]]:
    """Return title, lines and kind of each box, by name."""
    verdicts = {row.gate: {True: "passed", False: "refused"}.get(row.passed, "") for row in run.gates().itertuples()}
    versions = tuple(f"version {version}" for version in found.versions[-2:])
    data = (_shorten(found.data.folder), f"span {found.data.span}") if found.data else ()
    texts = {
        _DATA: ("Data", data, _DATA),
        _CONTRACT: ("Contract", (f"digest {found.contract[:_DIGITS]}",), _DATA),
        _PUSHED: ("Pushed", versions, _PUSHED),
    }
    for step in found.steps:
        code = found.code.get(step.node)
        lines = [
            verdicts.get(step.node, "") or _describe_outputs(found, step.node),
            f"code {code[:_DIGITS]}" if code else "",
            f"from run {step.run_id}" if step.run_id != found.run_id else "",
        ]
        kind = _GATE if step.node in verdicts else _NODE
        texts[step.node] = (step.node, tuple(line for line in lines if line)[:2], kind)
    return texts


def _describe_outputs(found: Lineage, node: str) -> str:
    """Describe the outputs of a node that other nodes read: `Model 9, ModelRun 10`; of ExampleGen the rows."""
    if node == EXAMPLE_GEN and found.data:
        return ", ".join(f"{split} {rows:,}" for split, rows in found.data.rows.items()) + " rows"
    artifacts = {edge.artifact.id: edge.artifact.type for edge in found.edges if edge.source == node}
    return ", ".join(f"{kind} {number}" for number, kind in artifacts.items())


def _list_facts(found: Lineage) -> dict[str, str]:
    words = {
        "data": found.data.folder if found.data else "",
        "trained by run": found.trained_by or "",
        "model": found.model.uri if found.model else "",
        "compared with": found.baseline.uri if found.baseline else "",
        "started from the weights of": found.started_from.uri if found.started_from else "",
        "pushed as": ", ".join(found.versions),
    }
    return {name: text for name, text in words.items() if text}


def _draw_path(source: NodeBox, target: NodeBox) -> str:
    """Draw a curve from the lower edge of one box to the upper edge of another."""
    x1, y1 = source.x + _WIDTH / 2, source.y + _HEIGHT
    x2, y2 = target.x + _WIDTH / 2, target.y - 1
    bend = (y2 - y1) / 2
    return f"M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"


def _shorten(path: str, length: int = 26) -> str:
    return path if len(path) <= length else f"…{path[1 - length :]}"
