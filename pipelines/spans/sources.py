"""Find the spans in a folder: each is a file, or a folder of files."""

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
    """The file or folder with the rows of a span."""

    span: Span
    path: Path  # a file, or a folder of files


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoundSpans:
    """The spans in a folder, and the names that were left out."""

    pattern: SpanPattern
    sources: Sequence[SpanSource]  # in the order of the spans
    others: Sequence[str]  # names in the folder that do not match
    unread: Sequence[str] = ()  # names of files in spans' folders that are not read, such as 2014Q1/notes.txt


def find_spans(folder: Path, pattern: SpanPattern | None = None) -> FoundSpans:
    """Find the spans in a folder. Hidden files are left out.

    Args:
        folder: has a file or a folder for each span.
        pattern: of their names, without endings such as .csv.gz; None: a usual one (see find_pattern).

    Returns:
        The spans, and the names that were left out.

    Raises:
        SpanError: There is no such folder, no span in it, or two files or folders of the same span.
    """
    if not folder.is_dir():
        raise SpanError(f"{folder}: expected a folder with a file or a folder for each span, received no such folder")
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
                "for a span, since its rows would count twice: remove one, or put both into a folder of that name."
            )
    if chosen is None or not found:
        received = ", ".join(others[:5]) or "nothing"
        wanted = chosen.text if chosen is not None else f"one of {', '.join(USUAL)}"
        raise SpanError(
            f"{folder}: no span in this folder. Expected names such as {wanted}, with one of the endings "
            f"{', '.join(ENDINGS)}, or folders; it holds {received}. Name the pattern with --pattern."
        )
    sources = sorted(found.values(), key=lambda source: source.span)
    unread = [f"{source.path.name}/{name}" for source in sources for name in csv_files.find_unread(source.path)]
    return FoundSpans(pattern=chosen, sources=sources, others=others, unread=unread)


def _stem(path: Path) -> str | None:
    """Return a folder's name, or a file's name without its ending; None for a file that is not CSV or Parquet."""
    if path.is_dir():
        return path.name
    ending = next(
        (ending for ending in sorted(ENDINGS, key=len, reverse=True) if path.name.lower().endswith(ending)), ""
    )
    return path.name[: -len(ending)] if ending else None
