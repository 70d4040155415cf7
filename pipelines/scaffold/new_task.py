"""Make a task from a file of rows, and write its files."""

import csv
import dataclasses
import functools
import hashlib
import io
from collections.abc import Collection
from pathlib import Path

from components.csv_example_gen.records import records
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.names import check_task_name
from pipelines.scaffold.placing import place_files
from pipelines.scaffold.plan import TaskPlan, make_plan, template_values
from pipelines.scaffold.question import choose_problem
from pipelines.scaffold.rendering import render
from pipelines.scaffold.source import Source, read_source
from pipelines.scaffold.text_labels import describe_place

MOST_BYTES = 20_000_000  # a larger file stays outside the repository
_TASK = (
    "__init__.py",
    "features.py",
    "preprocessing.py",
    "hyperparameters.py",
    "hyperparameters.toml",
    "model.py",
    "trainer.py",
    "tuner.py",
    "evaluation.py",
    "scoping.toml",
    "retraining.toml",
    "model_card.md",
    "task.py",
)
_TESTS = ("__init__.py", "conftest.py", "test_rows.py", "test_contract.py", "test_preprocessing.py", "test_model.py")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NewTask:
    """A task whose files are written."""

    plan: TaskPlan
    paths: list[str]  # new folders and files, and pyproject.toml, relative to the project
    outside: Path | None  # file of the rows, if the project keeps no copy


def new_task(
    root: Path,
    name: str,
    file: Path,
    label: str,
    *,
    problem: str | None = None,
    by_path: bool = False,
    text: Collection[str] = (),
) -> NewTask:
    """Write a task, with its contract, data card and tests.

    Args:
        root: The project's folder.
        name: Name of the task.
        file: The rows, CSV or Parquet.
        label: Column to predict, by its heading or its name in the task.
        problem: One of pipelines.task_definition.problem.PROBLEMS; None infers it from the label.
        by_path: Leave the rows where they are and refer to their path, as for a file of more than MOST_BYTES.
        text: Headings or names of columns that are text, whatever their cells look like.

    Returns:
        The task's plan and paths.

    Raises:
        ScaffoldError: The name, the rows or the label cannot be used; nothing is written.
        SourceError: components.csv_example_gen.csv_files cannot read the file; nothing is written.
    """
    check_task_name(name, root)
    source = read_source(file, text)
    column = source.column(label)
    values, kind = source.table[column], source.kinds[column]
    place = functools.partial(describe_place, file, list(source.kinds).index(column))
    question = choose_problem(
        column, values, kind, problem, place=place, spellings=source.missing.get(column, {}).keys()
    )
    plan = make_plan(name, source, question)
    outside = file.resolve() if by_path or file.stat().st_size > MOST_BYTES else None
    rows = _read_rows(source, outside)
    values = template_values(plan, sha256=hashlib.sha256(rows).hexdigest(), outside=outside)
    texts = {
        f"data/{name}.py": "data/module.py",
        f"data/{name}.md": "data/card.md",
        f"data/schema/{name}.pbtxt": "data/contract.pbtxt",
        **{f"pipelines/tasks/{name}/{part}": f"task/{part}" for part in _TASK},
        **{f"tests/pipelines/tasks/{name}/{part}": f"tests/{part}" for part in _TESTS},
        f"serving/gateway/{name}.toml": "gateway/settings.toml",
    }
    files = {path: render(f"{template}.jinja", values).encode() for path, template in texts.items()}
    if outside is None:
        files[f"data/{name}/{source.file_name(name, outside)}"] = rows
    return NewTask(plan=plan, paths=place_files(root, files, f"pipelines.tasks.{name}"), outside=outside)


def _read_rows(source: Source, outside: Path | None) -> bytes:
    """Return the file's bytes; if headings cannot be names, a CSV file with the columns' names instead."""
    if not source.renamed:
        return source.file.read_bytes()
    if outside:
        heading, name = next(iter(source.renamed.items()))
        raise ScaffoldError(
            f"{source.file}: expected headings that are valid names of a model's inputs, since the file stays as it "
            f"is; received {heading!r}. Rename it, for example to {name!r}."
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text)  # ends lines with CR LF, and therefore quotes cells that hold CR or LF
    rows = (cells for _, cells in records(str(source.file)))
    next(rows)
    writer.writerow(source.names.values())
    writer.writerows(rows)
    return text.getvalue().encode()
