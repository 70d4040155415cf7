"""Makes a task from a file of rows, and writes its files."""

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

MOST_BYTES = 20_000_000  # that a repository should keep
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
    "model_card.md",
    "task.py",
)
_TESTS = ("__init__.py", "conftest.py", "test_rows.py", "test_contract.py", "test_preprocessing.py", "test_model.py")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NewTask:
    """A task that is there."""

    plan: TaskPlan
    paths: list[str]  # folders and files, in the project
    outside: Path | None  # where the rows lie, if the project does not keep them


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
    """Writes a task, with its contract, data card and tests.

    Args:
        root: of the project.
        name: of the task.
        file: the rows, CSV or Parquet.
        label: the column to predict, as the file or the task calls it.
        problem: one of pipelines.task_definition.problem.PROBLEMS; None: inferred from the label.
        by_path: leave the rows where they are, and name them by their path; so it is with a large file anyhow.
        text: headings of columns that are text, whatever their cells look like.

    Raises:
        ScaffoldError: No task can be made of this; nothing is written.
        SourceError: The file is not what components.csv_example_gen.csv_files accepts; nothing is written.
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
    """Reads the file as the task will read it: with the columns' names where headings cannot be names."""
    if not source.renamed:
        return source.file.read_bytes()
    if outside:
        heading, name = next(iter(source.renamed.items()))
        raise ScaffoldError(
            f"{source.file}: expected headings that a model's inputs can be called by, since the file stays as it is; "
            f"received {heading!r}. Call it {name!r} or the like."
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text)  # with CR LF at the end of a line: so it quotes a cell that holds either of them
    rows = (cells for _, cells in records(str(source.file)))
    next(rows)
    writer.writerow(source.names.values())
    writer.writerows(rows)
    return text.getvalue().encode()
