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
    """The cells of one column as the file writes them, and the line of each."""

    file: str
    heading: str
    texts: Sequence[str]
    lines: Sequence[int]  # one per cell, as `locate_record` expects them

    @functools.cached_property
    def present(self) -> list[str]:
        """The cells, stripped of spaces, that are neither empty nor a usual spelling of "missing"."""
        return [text.strip() for text in self.texts if text.strip() and text.strip() not in USUAL_MISSING_CELLS]

    def locate(self, text: str) -> str:
        """Name the file, the line and the column of the first cell with this text, and quote it."""
        place = next(line for line, cell in zip(self.lines, self.texts, strict=True) if cell.strip() == text)
        return f"{locate_record(self.file, place)}, column `{self.heading}`, {shorten(text)}"


def name_text_option(heading: str) -> str:
    """Return the option that declares a column as text, for make and for the command.

    Example:
        >>> name_text_option("zip code")
        "TEXT='zip code' with make, --text 'zip code' without"
    """
    quoted = shlex.quote(heading)
    return f"TEXT={quoted} with make, --text {quoted} without"
