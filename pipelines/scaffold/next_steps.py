"""Describe a new task in the terminal: what was decided and why, what was written, what to do next."""

import collections

from pipelines.scaffold.columns import Encoding
from pipelines.scaffold.new_task import NewTask
from pipelines.scaffold.plan import TaskPlan
from pipelines.scaffold.question import Question
from pipelines.scaffold.source import Source
from pipelines.scaffold.text_labels import list_spellings
from pipelines.task_definition.problem import BINARY, REGRESSION

_WIDTH = 10
_ASK = "if it is not known before the answer is, take it out of features.py"
_SHOWN = 4  # items of a list; the data card shows all


def describe_next_steps(written: NewTask) -> str:
    """Describe the new task and what to do next."""
    plan, question = written.plan, written.plan.question
    renamed = [f"{heading!r} to {name}" for heading, name in plan.source.renamed.items()]
    lines = [
        ("problem", f"{question.problem}: {question.reason} (PROBLEM=kind decides otherwise)"),
        ("label", _describe_label(question)),
        ("rows", f"{len(plan.source.table):,}"),
        *(("missing", found) for found in describe_missing(plan.source)),
        *(("values", f"{name}: {_count_spellings(found)}, not missing") for name, found in plan.source.words.items()),
        *(("numbers", found) for found in describe_formats(plan.source)),
        ("features", f"{len(plan.features)}: {', '.join(feature.name for feature in plan.features)}"),
        *(("dates", f"{column.name}: read as {column.written}") for column in plan.used if column.written),
        *(("lists", f"{column.name}: separated by {column.separator!r}") for column in plan.used if column.separator),
        *(("codes", f"{column.name}: its numbers are names, not quantities") for column in plan.used if column.is_code),
        *(("spellings", found) for found in describe_spellings(plan)),
        *(("left out", f"{column.name}: {column.why_not}") for column in plan.left_out),
        *(("suspect", f"{column.name}: {column.suspicion}; {_ASK}") for column in plan.suspects),
        *([("renamed", _shorten(renamed))] if renamed else []),
        ("constant", f"{plan.baseline.reaches}: what a model has to beat"),
        *(("yardstick", f"{name}: {figures}, on a third of the rows") for name, figures in plan.yardsticks),
        *(("written", path) for path in written.paths),
        ("next", f"make run-local TASK={plan.name}"),
        (
            "then",
            f"write in data/{plan.name}.md where the rows come from, and in pipelines/tasks/{plan.name}/scoping.toml",
        ),
        ("", "what the predictions are for; and check the contract, which is a proposal"),
    ]
    if written.outside:
        lines.append(("rows stay", f"in {written.outside}, where every run reads them"))
    return "\n".join(f"{label:<{_WIDTH}} {text}" for label, text in lines)


def describe_missing(source: Source) -> list[str]:
    """Describe the cells that mean "missing", one line per column; the contract lists them."""
    return [f"{name}: {_count_spellings(found)}" for name, found in source.missing.items()]


def describe_spellings(plan: TaskPlan) -> list[str]:
    """Describe the texts that differ only in case or spaces, one line per feature: to the model they are different."""
    found = {
        column.name: list_spellings(plan.source.table[column.name].dropna())
        for column in plan.used
        if any(feature.encoding is Encoding.VOCABULARY for feature in column.features)
    }
    return [f"{name}: {listed} are different values; write each in one way" for name, listed in found.items() if listed]


def describe_formats(source: Source) -> list[str]:
    """Describe the number formats other than the plain one, one line per column; the contract declares them."""
    return [
        f"{name}: {source.examples[name]!r} is {written.normalise(source.examples[name])}"
        for name, written in source.formats.items()
    ]


def _count_spellings(found: collections.Counter[str]) -> str:
    return ", ".join(f"{spelling!r} in {_count_rows(count)}" for spelling, count in found.most_common())


def _count_rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _describe_label(question: Question) -> str:
    if question.problem == REGRESSION:
        return question.label
    if question.problem == BINARY:
        return f"{question.label}; the probability will be that of {question.classes[1]}"
    return f"{question.label}, one of {', '.join(map(str, question.classes))}"


def _shorten(items: list[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
