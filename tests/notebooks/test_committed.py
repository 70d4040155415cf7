"""The notebooks as they are committed."""

import ast
from pathlib import Path

import nbformat
import pytest

from notebooks import committed
from pipelines.tasks.taxi import features
from tests.notebooks.executed import NOTEBOOKS, ROOT, code_cells

NAMES = ("01_explore_data", "02_prototype", "03_compare", "04_inspect_run", "05_step_through")


def test_there_are_five() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(NAMES)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert committed.find_outputs(notebook) == [], "run `make format`"
    assert notebook.metadata.kernelspec.name == "python3"
    assert "widgets" not in notebook.metadata


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_begins_with_what_it_is_for_and_has_small_cells(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[0].cell_type == "markdown"
    assert notebook.cells[0].source.startswith(f"# {int(path.stem[:2])} · ")
    assert max(len(cell.source.splitlines()) for cell in code_cells(notebook)) <= 25


@pytest.mark.parametrize("path", [*NOTEBOOKS, *(NOTEBOOKS[0].parent.glob("*.py"))], ids=lambda path: path.name)
def test_no_feature_or_label_is_defined_or_named(path: Path) -> None:
    if path.suffix == ".py":
        sources = [path.read_text()]
    else:
        sources = [cell.source for cell in code_cells(nbformat.read(path, as_version=4))]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    words |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    words |= {node.id for node in nodes if isinstance(node, ast.Name)}
    own = {feature.name for feature in features.FEATURES}
    assert not words & {*own, features.LABEL, features.TIPS}


@pytest.mark.parametrize("path", NOTEBOOKS[:4], ids=lambda path: path.stem)
def test_the_first_cell_opens_the_run_of_a_task_that_is_named_there(path: Path) -> None:
    first = code_cells(nbformat.read(path, as_version=4))[0].source
    assert {"set_theme()", "run = open_run(TASK)"} <= set(first.splitlines())
    assert "TASK = None  # " in first


def test_outputs_are_refused_and_taken_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    original = NOTEBOOKS[0].read_text()
    path = tmp_path / "ran.ipynb"
    ran = nbformat.reads(original, as_version=4)
    code_cells(ran)[1].outputs = [nbformat.v4.new_output("stream", text="a row of data")]
    code_cells(ran)[2].execution_count = 3
    nbformat.write(ran, path)
    assert committed.main([], [path]) == 1
    assert capsys.readouterr().err == "ran.ipynb holds outputs, which may show rows of data: run `make format`.\n"
    assert committed.main(["--clear"], [path]) == 0
    assert path.read_text() == original  # byte for byte as Jupyter writes it
    assert committed.main([], [path]) == 0


def test_make_check_and_format_know_of_them() -> None:
    makefile = (ROOT / "Makefile").read_text()
    check, fix = (
        makefile.partition(f"\n{target}: $(STAMP)\n")[2].partition("\n\n")[0] for target in ("check", "format")
    )
    assert "-m notebooks.committed\n" in check
    assert "-m notebooks.committed --clear" in fix
