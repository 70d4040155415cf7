"""The spans that a folder holds: a file or a folder each."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from components.csv_example_gen import csv_files
from components.csv_example_gen.csv_files import ENDINGS
from pipelines.spans.errors import SpanError
from pipelines.spans.pattern import USUAL, SpanPattern, find_pattern
from pipelines.spans.span import Span


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpanSource:
    """Where the rows of a span lie."""

    span: Span
    path: Path  # a file, or a folder of files


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoundSpans:
    """What a folder holds."""

    pattern: SpanPattern
    sources: Sequence[SpanSource]  # in the order of the spans
    others: Sequence[str]  # names that are no span's
    unread: Sequence[str] = ()  # names of what a span's folder holds beside its rows, such as 2014Q1/notes.txt


def find_spans(folder: Path, pattern: SpanPattern | None = None) -> FoundSpans:
    """Find the spans in a folder. Hidden files are left out.

    Args:
        folder: that holds a file or a folder for each span.
        pattern: of their names, without endings such as .csv.gz; None: the usual one that fits the most names.

    Raises:
        SpanError: There is no such folder, or no span in it; or two files are of the same span.
    """
    if not folder.is_dir():
        raise SpanError(f"{folder}: expected a folder that holds a file or a folder for each span, found none")
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    stems = {path: _stem(path) for path in entries}
    chosen = pattern or find_pattern(stem for stem in stems.values() if stem is not None)
    found: dict[int, SpanSource] = {}
    others = []
    for path, stem in stems.items():
        span = chosen.read(stem) if chosen is not None and stem is not None else None
        if span is None:
            others.append(path.name)
            continue
        other = found.setdefault(span.number, SpanSource(span=span, path=path))
        if other.path != path:
            raise SpanError(
                f"{folder}: {other.path.name} and {path.name} are both of the span {span}. Expected one file or folder "
                "for a span, or its rows would count twice: remove one, or put both into a folder of that name."
            )
    if chosen is None or not found:
        held = ", ".join(others[:5]) or "nothing"
        wanted = chosen.text if chosen is not None else f"one of {', '.join(USUAL)}"
        raise SpanError(
            f"{folder}: no span in this folder. Expected names such as {wanted}, with one of the endings "
            f"{', '.join(ENDINGS)}, or folders; it holds {held}. Name the pattern with --pattern."
        )
    sources = sorted(found.values(), key=lambda source: source.span)
    unread = [f"{source.path.name}/{name}" for source in sources for name in csv_files.find_unread(source.path)]
    return FoundSpans(pattern=chosen, sources=sources, others=others, unread=unread)


def _stem(path: Path) -> str | None:
    """Return a folder's name, or a file's without its ending; None for a file that holds no rows."""
    if path.is_dir():
        return path.name
    ending = next(
        (ending for ending in sorted(ENDINGS, key=len, reverse=True) if path.name.lower().endswith(ending)), ""
    )
    return path.name[: -len(ending)] if ending else None
