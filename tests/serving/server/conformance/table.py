"""The table in docs/reference/serving.md of what is answered otherwise than by TensorFlow Serving, made of the cases.

python -m tests.serving.server.conformance.table writes it anew.
"""

from collections.abc import Sequence

from tests.serving.server.conformance import cases
from tests.serving.server.conformance.cases import Case

COMMAND = "python -m tests.serving.server.conformance.table"
PAGE = cases.FOLDER.parents[3] / "docs" / "reference" / "serving.md"
BEGIN, END = f"<!-- Made by {COMMAND} -->\n", "<!-- Here it ends -->\n"


def made(every: Sequence[Case]) -> str:
    """Returns the count of the cases, and a row for each that is argued, in Markdown."""
    rows = [f"| {case.what} | {case.theirs} | {case.argued} |\n" for case in every if case.argued]
    return (
        f"Tests compare {len(every)} points of its behaviour with TensorFlow Serving's "
        f"(`tests/serving/server/conformance/`). It differs in {len(rows)}:\n\n"
        f"| what | TensorFlow Serving | here, and why |\n|---|---|---|\n{''.join(rows)}"
    )


def shown() -> str:
    """Returns what stands on the page between the marks.

    Raises:
        ValueError: A mark is not there.
    """
    page = PAGE.read_text()
    return page[page.index(BEGIN) + len(BEGIN) : page.index(END)]


def main() -> None:
    """Writes the table into the page."""
    begin, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, end = rest.partition(END)
    PAGE.write_text(begin + BEGIN + made(cases.read()) + END + end)


if __name__ == "__main__":
    main()
