"""Which spellings of "missing" are values."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold.cells import find_rules
from pipelines.scaffold.column_cells import Cells
from pipelines.scaffold.errors import ScaffoldError
from pipelines.scaffold.next_steps import describe_missing
from pipelines.scaffold.question import choose_problem
from pipelines.scaffold.source import Source, read_source


def column(cells: Sequence[str], heading: str = "x") -> Cells:
    return Cells(file="rows.csv", heading=heading, texts=cells, lines=range(2, len(cells) + 2))


NUMBERS = [str(number) for number in range(100)]
CASES = {
    "plus and minus": (["+", "-"] * 50, set()),
    "none and mild": (["none", "mild"] * 50, set()),
    "None and Mild": (["None", "Mild", "Severe", ""] * 25, set()),
    "yes and None": (["yes", "None"] * 50, set()),
    "5% of the rows": (["a", "b"] * 47 + ["a"] + ["?"] * 5, set()),
    "rarer": (["a", "b"] * 48 + ["?"] * 4, {"?"}),
    "numbers": (["?", *NUMBERS[:4]] * 20, {"?"}),
    "sums": (["-", "$12", "$5", "$8"] * 25, {"-"}),
    "zip codes": (["-", "02134", "00501", "94103"] * 25, {"-"}),
    "dates": (["-", "2024-01-03", "2024-02-07"] * 33, {"-"}),
    "many kinds": (["-", *(f"t{number}" for number in range(21))] * 5, {"-"}),
    "never a value": (["N/A", "a", "b"] * 33, {"N/A"}),
    "nothing else": (["-", ""] * 50, {"-"}),
}


@pytest.mark.parametrize(("cells", "missing"), CASES.values(), ids=CASES.keys())
def test_frequent_ones_among_few_words_are_values(cells: list[str], missing: set[str]) -> None:
    assert find_rules([column(cells)]).missing == missing


def test_one_spelling_is_one_thing_in_all_columns() -> None:
    sign = column(["+", "-"] * 50, "sign")
    assert find_rules([sign, column([*NUMBERS[1:], "-"])]).missing == {"-"}  # numbers cannot have it for a value
    rules = find_rules([sign, column(["-", ""] * 50)])
    assert (rules.missing, rules.kinds) == (set(), {"sign": CellKind.BYTES, "x": CellKind.BYTES})


def test_in_a_column_that_somebody_calls_text_all_are_values() -> None:
    grades = column(["none", *NUMBERS[1:]], "grade")
    assert find_rules([grades], text=["grade"]).missing == set()
    with pytest.raises(ScaffoldError) as caught:
        find_rules([column([*NUMBERS[1:], "none"]), grades], text=["grade"])
    assert str(caught.value).startswith(
        "rows.csv, line 2, column `grade`, 'none': expected a value, as you named the column as text, but the same "
        "text means \"missing\" in rows.csv, line 101, column `x`, 'none', and"
    )


def read(tmp_path: Path, others: Sequence[str], text: Sequence[str] = ()) -> Source:
    cells = zip(others, ["-", "+", "+"] * 40, strict=True)
    (tmp_path / "rows.csv").write_text("\n".join(["n,ap proved", *(",".join(row) for row in cells)]) + "\n")
    return read_source(tmp_path / "rows.csv", text)


def test_a_label_keeps_its_classes(tmp_path: Path) -> None:
    numbers = [str(number) for number in range(120)]
    source = read(tmp_path, numbers)
    question = choose_problem("ap_proved", source.table["ap_proved"], source.kinds["ap_proved"])
    assert (question.problem, question.classes) == ("binary", ("+", "-"))
    assert ({name: {**found} for name, found in source.words.items()}, describe_missing(source)) == (
        {"ap_proved": {"-": 40}},
        [],
    )


def test_a_label_whose_class_is_missing_elsewhere_is_refused_with_the_spelling(tmp_path: Path) -> None:
    numbers = [*map(str, range(119)), "-"]
    source = read(tmp_path, numbers)
    spellings = source.missing["ap_proved"].keys()
    with pytest.raises(ScaffoldError) as caught:
        choose_problem("ap_proved", source.table["ap_proved"], source.kinds["ap_proved"], spellings=spellings)
    assert "received none in 40 of 120 rows" in str(caught.value)
    assert str(caught.value).endswith(
        " If '-' is a class, say that the label is text: TEXT=ap_proved with make, --text ap_proved without."
    )
    with pytest.raises(ScaffoldError, match=r"line 2, column `ap proved`, '-': .* line 121, column `n`, '-', and the"):
        read(tmp_path, numbers, ["ap_proved"])
