"""The cells of one column of a new task's file, as they are written."""

import dataclasses
import functools
import shlex
from collections.abc import Sequence

from components.csv_example_gen.reading_rules import USUAL_MISSING_CELLS
from components.csv_example_gen.records import locate_record
from serving.csv_text.lines import shorten


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cells:
    """The cells of one column as they are written, and where."""

    file: str
    heading: str
    texts: Sequence[str]
    lines: Sequence[int]  # of each, as `locate_record` takes them

    @functools.cached_property
    def present(self) -> list[str]:
        """What holds something that is no usual spelling of "missing", without spaces around it."""
        return [text.strip() for text in self.texts if text.strip() and text.strip() not in USUAL_MISSING_CELLS]

    def locate(self, text: str) -> str:
        """Says where a cell is, and what it holds."""
        place = next(line for line, cell in zip(self.lines, self.texts, strict=True) if cell.strip() == text)
        return f"{locate_record(self.file, place)}, column `{self.heading}`, {shorten(text)}"


def name_text_option(heading: str) -> str:
    """Names the option that says that a column is text, as make and as the command take it."""
    quoted = shlex.quote(heading)
    return f"TEXT={quoted} with make, --text {quoted} without"
