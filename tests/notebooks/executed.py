"""Notebooks run from the first cell to the last, in kernels of their own, as JupyterLab does it."""

import html
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
_PATIENCE = 600  # seconds for one cell


def execute(notebook: Path, **environment: str) -> NotebookNode:
    """Runs a notebook in its folder and returns it with its outputs; the file stays as it is.

    Raises:
        CellExecutionError: A cell raised.
    """
    read = nbformat.read(notebook, as_version=4)
    client = NotebookClient(read, timeout=_PATIENCE, resources={"metadata": {"path": str(notebook.parent)}})
    client.execute(env=_inherited() | environment)
    return read


def execute_together(notebooks: Mapping[str, Sequence[Path]], **environment: str) -> dict[str, dict[str, NotebookNode]]:
    """Runs notebooks of several tasks one after the other in one kernel, which loads TensorFlow once.

    What one defines is there in the next: that each imports what it uses, the linter knows.

    Args:
        notebooks: by the task that TASK names while they run.
        environment: variables of the kernel.

    Returns:
        Task -> name -> the notebook with its outputs.

    Raises:
        CellExecutionError: A cell raised.
    """
    read = {task: {path.stem: nbformat.read(path, as_version=4) for path in paths} for task, paths in notebooks.items()}
    cells = []
    for task, found in read.items():
        cells.append(nbformat.v4.new_code_cell(f"import os; os.environ['TASK'] = {task!r}"))
        cells += [cell for notebook in found.values() for cell in notebook.cells]
    for place, cell in enumerate(cells):
        cell.id = f"cell-{place}"  # unique over all notebooks
    (folder,) = {path.parent for paths in notebooks.values() for path in paths}
    together = nbformat.v4.new_notebook(cells=cells)
    client = NotebookClient(
        together, timeout=_PATIENCE, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=_inherited() | environment)
    return read


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook: NotebookNode) -> list[NotebookNode]:
    return [output for cell in code_cells(notebook) for output in cell.outputs]


def data(notebook: NotebookNode) -> list[Mapping[str, str]]:
    """MIME type -> content, of each thing that was shown."""
    return [output.data for output in outputs(notebook) if "data" in output]


def shown(notebook: NotebookNode) -> str:
    """All text that a reader sees, prose and code left out; each row of a table on a line, its cells apart by " | "."""
    texts = [output.text for output in outputs(notebook) if output.output_type == "stream"]
    return "\n".join([*texts, *(_text(found) for found in data(notebook))])


def _text(found: Mapping[str, str]) -> str:
    if "text/html" not in found:
        return found.get("text/markdown", found.get("text/plain", ""))
    rows = re.findall(r"<tr.*?>(.*?)</tr>", found["text/html"], re.DOTALL)
    return "\n".join(" | ".join(map(html.unescape, re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row))) for row in rows)


def _inherited() -> dict[str, str]:
    """This environment without what points a notebook at another task, run or folder."""
    own = ("VAR", "TASK", "RUN_ID", "DATA", "TRAIN_STEPS", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if name not in own}
