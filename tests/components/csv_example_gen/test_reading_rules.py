"""What a contract says of cells, and names that differ only in case."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.csv_example_gen.csv_files import CellKind, SourceError, check_csv, read_columns
from components.csv_example_gen.reading_rules import ReadingRules
from serving.csv_text.number_formats import NumberFormat

CONTRACT = """
annotation { tag: "missing_number:-1" tag: "missing_cell:N/A" tag: "missing_cell:-" }
feature { name: "age" type: INT }
feature { name: "price" type: FLOAT annotation { tag: "number_decimal:," tag: "number_sign:€" } }
feature { name: "city" type: BYTES }
"""


def rules(text: str = CONTRACT) -> ReadingRules:
    return ReadingRules.from_schema(text_format.Parse(text, schema_pb2.Schema()))


def written(tmp_path: Path, text: str) -> str:
    (tmp_path / "rows.csv").write_text(text)
    return str(tmp_path / "rows.csv")


def test_the_contract_says_what_is_missing_and_how_numbers_are_written(tmp_path: Path) -> None:
    assert rules() == ReadingRules(
        kinds={"age": CellKind.INT, "price": CellKind.FLOAT, "city": CellKind.BYTES},
        missing=frozenset({"N/A", "-"}),
        formats={"price": NumberFormat(decimal=",", sign="€")},
    )
    file = written(tmp_path, "age;price;city;new\n1;3,5 €;Graz;7\nN/A;-;-; N/A\n-;N/A;N/A ;8\n ; ;  ;-\n")
    summary = check_csv(file, rules=rules())
    assert summary.columns == {**rules().kinds, "new": CellKind.INT}
    gaps = [None, None, None]
    assert list(read_columns(file, summary.columns, rules=rules())) == [
        [[1, *gaps], [3.5, *gaps], [b"Graz", *gaps], [7, None, 8, None]]
    ]


def test_they_travel_as_plain_values() -> None:
    assert ReadingRules.from_json(rules().to_json()) == rules()
    assert rules(CONTRACT.replace("N/A", "?")).to_json() != rules().to_json()


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (
            "nan",
            r'received \'nan\'\. If it .* leave the cell empty, or add tag: "missing_cell:nan" to the annotation at',
        ),
        ("12", r"column `price`: expected FLOAT written as the contract's tags number_decimal:,, number_sign:€ say, "),
    ],
)
def test_a_cell_that_the_contract_does_not_know(tmp_path: Path, cell: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        check_csv(written(tmp_path, f"age;price\n1;{cell}\n"), rules=rules())


def test_a_format_for_text_is_refused() -> None:
    with pytest.raises(
        SourceError, match=r"city has the tags number_sign:\$ and the type BYTES\. Expected INT or FLOAT"
    ):
        rules('feature { name: "city" type: BYTES annotation { tag: "number_sign:$" } }')


def test_a_tag_that_cannot_be_is_refused() -> None:
    with pytest.raises(SourceError, match=r"the contract: age: the contract's tag number_decimal:x must name"):
        rules('feature { name: "age" type: INT annotation { tag: "number_decimal:x" } }')


@pytest.mark.parametrize("other", ["Age", "AGE", " age"])
def test_names_that_differ_in_nothing_but_case_are_refused(other: str) -> None:
    with pytest.raises(SourceError, match=rf"the columns 'age' and '{other}' differ only in case or spaces"):
        rules(f'feature {{ name: "age" type: INT }} feature {{ name: "{other}" type: INT }}')


def test_headings_that_differ_from_the_contract_in_nothing_but_case_are_told(tmp_path: Path) -> None:
    file = written(tmp_path, "Age,price ,city\n1,2,Graz\n")
    with pytest.raises(
        SourceError, match=r"'Age' where the contract has 'age', 'price ' where the contract has 'price'"
    ):
        check_csv(file, rules=rules())


def test_a_second_heading_of_another_case_is_a_new_column(tmp_path: Path) -> None:
    file = written(tmp_path, "age,Age\n1,2\n")
    assert check_csv(file, rules=rules()).columns == {"age": CellKind.INT, "Age": CellKind.INT}


DATED = """
feature { name: "day" type: BYTES annotation { tag: "date:%d.%m.%Y" } }
feature { name: "sent" type: INT annotation { tag: "date:%Y%m%d" } }
"""


def test_dates_are_written_as_the_contract_says(tmp_path: Path) -> None:
    assert rules(DATED).dates == {"day": "%d.%m.%Y", "sent": "%Y%m%d"}
    assert ReadingRules.from_json(rules(DATED).to_json()) == rules(DATED)
    assert check_csv(written(tmp_path, "day,sent\n28.2.2024,20240228\n,\n"), rules=rules(DATED)).rows == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "2024-02-28,20240228",
            "rows.csv, line 3, column `day`: expected a date or time written %d.%m.%Y, such as 28.02.2022, as",
        ),
        ("30.2.2024,20240228", "line 3, column `day`: .* received '30.2.2024'. Correct the cell, or leave it empty"),
        ("28.2.2024,20241328", "line 3, column `sent`: expected a date or time written %Y%m%d, .* received '20241328'"),
    ],
)
def test_a_date_that_is_written_otherwise(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        check_csv(written(tmp_path, f"day,sent\n28.2.2024,20240228\n{row}\n"), rules=rules(DATED))


@pytest.mark.parametrize("rule", ["presence { min_fraction: 1 }", "shape { dim { size: 1 } }"])
@pytest.mark.parametrize(("tag", "cell"), [("", "abc"), ("", "N/A"), ('annotation { tag: "date:%Y%m%d" }', "20241328")])
def test_an_empty_cell_is_not_suggested_where_the_contract_requires_a_value(
    tmp_path: Path, rule: str, tag: str, cell: str
) -> None:
    contract = f'feature {{ name: "sent" type: INT {tag} {rule} }}'
    assert ReadingRules.from_json(rules(contract).to_json()) == rules(contract)
    file = written(tmp_path, f"sent,x\n20240228,1\n{cell},1\n")
    with pytest.raises(SourceError, match=r"\. Correct the cell: the contract requires a value in every row\.$"):
        check_csv(file, rules=rules(contract))
    with pytest.raises(SourceError, match=r"leave (it|the cell) empty"):
        check_csv(file, rules=rules(contract.replace(rule, "presence { min_fraction: 0.5 }")))


def test_an_unknown_way_to_write_dates(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the contract: the format of dates of day is invalid: expected"):
        rules(DATED.replace("%d.%m.%Y", "dd.mm.yyyy"))
