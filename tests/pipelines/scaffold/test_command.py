"""The command line: what it refuses, in one line, and that a refused command writes nothing."""

import ast
import shutil
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.csv_example_gen.csv_files import check_csv, read_columns
from components.csv_example_gen.reading_rules import ReadingRules
from components.csv_example_gen.records import records
from pipelines.cli import new_task as command_line
from pipelines.cli.app import execute
from pipelines.retraining.policy import RetrainingPolicy, Trial
from pipelines.scaffold.new_task import new_task
from pipelines.task_definition.toml_table import read_toml
from serving.csv_text.number_formats import NumberFormat
from tests.pipelines.scaffold import data_sets
from tests.runs.project import files

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command writes: a project with its folders and pyproject.toml."""
    root = tmp_path / "project"
    for folder in ("data/schema", "pipelines/tasks/taxi", "serving/gateway", "tests/pipelines/tasks"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", root)
    monkeypatch.setattr(command_line, "ROOT", root)
    return root


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_sets.diabetes(tmp_path_factory.mktemp("csv") / "patients.csv")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--name", "taxi", "--label", "target"], "new-task: pipelines/tasks/taxi: already exists"),
        (["--name", "class", "--label", "target"], "no word of Python's own, such as 'churn'; received 'class'"),
        (["--name", "sugar", "--label", "sugar"], "expected a column 'sugar' to predict, received the columns age,"),
        (["--name", "sugar", "--label", "sex"], "label sex: expected a value in every row, received none in 41 of 442"),
        (["--name", "sugar", "--label", "patient"], "expected at most 100 classes, received 442 different values"),
        (["--name", "sugar", "--label", "target", "--problem", "binary"], "expected 2 different values, received 214"),
    ],
)  # fmt: skip
def test_refused(
    project: Path, patients: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    before = files(project)
    assert execute(["new-task", *options, "--csv", str(patients)]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("new-task: ")
    assert error.count("\n") == 1
    assert files(project) == before


def test_a_labels_gap_is_named_with_its_line_and_cell(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{number},{number * 1000}" for number in range(200)]
    for cell, said in (("N/A", "row 121 (line 122, 'N/A')"), ("", "row 121 (line 122)")):
        (tmp_path / "rows.csv").write_text("\n".join(["sqm,price", *rows[:120], f"7,{cell}", *rows[120:]]) + "\n")
        arguments = ["--name", "flats", "--csv", str(tmp_path / "rows.csv"), "--label", "price"]
        assert execute(["new-task", *arguments]) == 1
        assert f"in 1 of 201 rows, the first of them {said}" in capsys.readouterr().err


def test_a_cell_cannot_end_the_docstring_that_names_it(project: Path, tmp_path: Path) -> None:
    mark = '"'
    cell = f"see {3 * mark}note\\"
    rows = [f"2024-01-{n % 28 + 1:02},{n % 7 / 2},{n % 2}" for n in range(120)]
    last = f"{mark}{cell.replace(mark, 2 * mark)}{mark},1,0"
    (tmp_path / "rows.csv").write_text("\n".join(["day,x,y", *rows, last]) + "\n")
    new_task(project, "days", tmp_path / "rows.csv", "y")
    said = ast.get_docstring(ast.parse((project / "pipelines/tasks/days/features.py").read_text()))
    assert said
    assert f"- day: 120 of 121 values are dates written %Y-%m-%d, and {cell!r} in row 121" in said


def test_spellings_of_a_feature_are_named(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{('Yes', 'yes', 'no')[n % 3]},{n % 2}" for n in range(120)]
    (tmp_path / "rows.csv").write_text("\n".join(["paid,y", *rows]) + "\n")
    assert execute(["new-task", "--name", "spelled", "--csv", str(tmp_path / "rows.csv"), "--label", "y"]) == 0
    said = "spellings  paid: 'Yes' (40), 'yes' (40) are different values; write each in one way\n"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cells", "tests"),
    [
        (["1.5", "2.5", "4.5"], {"test_z_scores"}),
        (["1", "2", "3"], {"test_numbers_as_ids"}),
        (["2024-01-01", "2024-02-03", "2024-03-07"], {"test_trends_of_dates", "test_parts_of_dates_as_ids"}),
        (["red|gold", "gold", "red|blue", "blue", "blue|gold", "red"], {"test_items_of_lists"}),
        (["10:00", "11:00", "12:00"], {"test_parts_of_dates_as_ids"}),
    ],
)
def test_no_generated_test_looks_at_nothing(project: Path, tmp_path: Path, cells: list[str], tests: set[str]) -> None:
    rows = [f"{cells[n % len(cells)]},{n // 6 % 2}" for n in range(120)]
    (tmp_path / "rows.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    new_task(project, "loops", tmp_path / "rows.csv", "y")
    written = (project / "tests/pipelines/tasks/loops/test_preprocessing.py").read_text()
    looping = {"test_z_scores", "test_numbers_as_ids", "test_trends_of_dates", "test_parts_of_dates_as_ids"}
    assert {name for name in looping | {"test_items_of_lists"} if f"def {name}(" in written} == tests
    names = {node.id for node in ast.walk(ast.parse(written)) if isinstance(node, ast.Name)}
    assert {name: f"import {module}" in written for name, module in (("np", "numpy as np"), ("pytest", "pytest"))} == {
        name: name in names for name in ("np", "pytest")
    }


@pytest.mark.parametrize("option", ["--name", "--label"])
def test_an_empty_option_is_bad_usage(patients: Path, capsys: pytest.CaptureFixture[str], option: str) -> None:
    given = {"--name": "sugar", "--label": "target", "--csv": str(patients)} | {option: ""}
    assert execute(["new-task", *(word for pair in given.items() for word in pair)]) == 2
    assert f"{option}: expected a name, received nothing" in capsys.readouterr().err


def test_what_it_says(project: Path, patients: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--name", "sugar", "--csv", str(patients), "--label", "target"]
    assert execute(["new-task", *arguments]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:7] == [
        "problem    regression: the label is a number with 214 different values (PROBLEM=kind decides otherwise)",
        "label      target",
        "rows       442",
        "features   11: age_scaled, sex_id, bmi_scaled, bp_scaled, s1_scaled, s2_scaled, s3_scaled, s4_scaled, "
        "s5_scaled, s6_scaled, ward_number",
        "left out   patient: 442 different texts in 442 rows: it identifies rows, and is no category",
        "constant   mean absolute error 65.8, mean squared error 5,930: what a model has to beat",
        "yardstick  linear: mean absolute error 42.3, mean squared error 2,800, on a third of the rows",
    ]
    assert "written    pyproject.toml" in said
    assert "next       make run-local TASK=sugar" in said
    policy = read_toml(project / "pipelines/tasks/sugar/retraining.toml", RetrainingPolicy)
    assert (policy.policy, policy.due.new_rows, policy.evaluate_on) == ("ask", 100, "chosen")
    assert policy.trial == Trial()  # compare chooses the limits by the predictions, whatever the problem
    assert (project / "serving" / "gateway" / "sugar.toml").is_file()
    before = files(project)
    assert execute(["new-task", *arguments]) == 1  # once more: nothing is overwritten
    assert "new-task overwrites nothing" in capsys.readouterr().err
    assert files(project) == before


def test_the_contract_says_how_cells_were_read(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{20 + n % 50};{n},50 €;{n % 7};{'yn'[n % 2]}" for n in range(119)]
    rows = tmp_path / "rows.csv"
    rows.write_text("\n".join(["age;paid;route;left", "N/A;1,25 €;X9;y", *lines]), encoding="utf-8-sig")
    arguments = ["--name", "rides", "--csv", str(rows), "--label", "left"]
    assert execute(["new-task", *arguments]) == 1
    assert "line 2, column `route`, 'X9': expected a number, such as '0', as in 119 of 120" in capsys.readouterr().err
    assert execute(["new-task", *arguments, "--text", "route"]) == 0
    said = capsys.readouterr().out
    assert "missing    age: 'N/A' in 1 row\nnumbers    paid: '1,25 €' is 1.25\n" in said
    schema = text_format.Parse((project / "data/schema/rides.pbtxt").read_text(), schema_pb2.Schema())
    rules = ReadingRules.from_schema(schema)
    assert rules.missing == {"N/A"}
    assert rules.formats == {"paid": NumberFormat(decimal=",", sign="€")}
    copy = str(project / "data" / "rides" / "rides.csv")
    columns = next(read_columns(copy, check_csv(copy, rules=rules).columns, rules=rules))
    assert [column[:2] for column in columns] == [[None, 20], [1.25, 0.5], [b"X9", b"0"], [b"y", b"y"]]
    assert schema.feature[1].annotation.comment == ["paid, in €"]


def test_rows_may_stay_where_they_are(project: Path, patients: Path) -> None:
    written = new_task(project, "sugar", patients, "target", by_path=True)
    assert written.outside == patients
    assert not (project / "data" / "sugar").exists()
    assert f'SOURCE = Path("{patients}")' in (project / "data" / "sugar.py").read_text()


def test_a_copy_with_other_headings_holds_the_same_cells(project: Path, tmp_path: Path) -> None:
    file = data_sets.awkward(tmp_path / "awkward.csv")  # with line feeds and carriage returns
    new_task(project, "awkward", file, "out come")
    copied = [cells for _, cells in records(str(project / "data" / "awkward" / "awkward.csv"))]
    cells = [cells for _, cells in records(str(file))]
    assert copied[1:] == cells[1:]
    assert {row[copied[0].index("lines")] for row in copied[1:]} == {"a\nb", "a\rb", "a\r\nb", "a\\nb", "(missing)", ""}


def test_a_file_that_stays_needs_headings_that_are_names(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flowers = data_sets.iris(tmp_path / "iris.csv")
    arguments = ["--name", "iris", "--csv", str(flowers), "--label", "species", "--by-path"]
    assert execute(["new-task", *arguments]) == 1
    assert "received 'sepal length (cm)'. Rename it, for example to 'sepal_length_cm'." in capsys.readouterr().err
