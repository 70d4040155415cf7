"""Generate the reference of metrics from the calls that declare them."""

import ast
import html
from collections.abc import Iterator, Mapping
from pathlib import Path

_KINDS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram"}
# Title -> introduction, and the modules that declare the metrics.
_PARTS = (
    (
        "The gateway",
        "At `/metrics`, or on the operators' port where there is one.",
        ("serving/gateway/metrics.py", "serving/request_log/writer.py", "serving/tls/metrics.py"),
    ),
    (
        "The model server",
        "At `/monitoring/prometheus/metrics`, under TensorFlow Serving's names. A copy of signed versions "
        "(`python -m serving verify`) exposes the last one, too.",
        ("serving/server/metrics.py", "serving/tls/metrics.py"),
    ),
    (
        "Watched traffic",
        "`python -m pipelines monitor` writes them to `var/monitoring/`, for node_exporter's textfile collector "
        "([monitoring](../how-to/monitoring.md)). Each has the label `task`, too.",
        ("pipelines/monitoring/prometheus.py",),
    ),
)


def write_page(root: Path) -> str:
    """Return the page.

    Args:
        root: the repository's folder.
    """
    lines = [
        "# Metrics",
        "",
        "[Alerts](../how-to/alerts.md) says which of them alert a person, and what to do then.",
        "",
    ]
    for title, introduction, modules in _PARTS:
        lines += [f"## {title}", "", introduction, "", "| metric | kind | labels | |", "|---|---|---|---|"]
        for module in modules:
            for name, kind, labels, text in declared(root / module):
                named = ", ".join(f"`{label}`" for label in labels)
                lines.append(f"| `{name}` | {kind} | {named} | {html.escape(text, quote=False)} |")
        lines.append("")
    return "\n".join(lines)


def declared(module: Path) -> Iterator[tuple[str, str, list[str], str]]:
    """Yield name, kind, labels and explanation of each metric that a module declares.

    Counter names end with `_total`, which prometheus_client appends, except those of TensorFlow Serving.

    Args:
        module: the module's source file.

    Yields:
        Name, kind, labels and explanation.

    Raises:
        LookupError: The module declares no metric.
    """
    tree = ast.parse(module.read_text())
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    found = 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in _KINDS and len(node.args) > 1 and (name := _constant(node.args[0], constants)):
            labels = ast.literal_eval(node.args[2]) if len(node.args) > 2 else []
            yield _full_name(name, called), _KINDS[called], labels, _constant(node.args[1], {})
            found += 1
        elif called == "set" and len(node.args) == 3 and isinstance(node.args[0], ast.Constant):
            names = [keyword.arg for keyword in node.keywords if keyword.arg]
            spread = ["model_version"] if any(keyword.arg is None for keyword in node.keywords) else []
            yield (
                str(node.args[0].value),
                "gauge",
                [*names, *spread],
                _constant(node.args[1], _texts(tree, node.lineno)),
            )
            found += 1
    if not found:
        raise LookupError(f"{module}: expected a metric, found none; correct website/metrics.py")


def _texts(tree: ast.Module, line: int) -> dict[str, object]:
    """Return the last text that was assigned to each name above a line."""
    return {
        node.targets[0].id: node.value.value
        for node in sorted(ast.walk(tree), key=lambda node: getattr(node, "lineno", 0))
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and node.lineno < line
        and isinstance(node.targets[0], ast.Name)
    }


def _full_name(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "Counter" and not name.startswith(":") else name


def _constant(node: ast.expr, constants: Mapping[str, object]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return str(constants.get(node.id, "")) if isinstance(node, ast.Name) else ""
