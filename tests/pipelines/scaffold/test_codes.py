"""Whole numbers that are names, as the pipeline will read them under the contract that the task gets."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.csv_example_gen.csv_files import CellKind, check_csv
from components.csv_example_gen.reading_rules import ReadingRules
from pipelines.scaffold.columns import ProfiledColumn, profile_columns
from pipelines.scaffold.plan import TaskPlan, make_plan, template_values
from pipelines.scaffold.question import choose_problem
from pipelines.scaffold.rendering import render
from pipelines.scaffold.source import read_source

ROWS = 400


def make_task(file: Path, cells: list[str], heading: str = "store_id") -> tuple[TaskPlan, schema_pb2.Schema]:
    """The plan and the contract of a task with one column of these cells, in turn, beside a number and the label."""
    with file.open("w", newline="") as written:
        writer = csv.writer(written)
        writer.writerow([heading, "price", "y"])
        writer.writerows([cells[n * 7 % len(cells)], n % 13 + 0.5, n // 3 % 2] for n in range(ROWS))
    source = read_source(file)
    plan = make_plan("made_up", source, choose_problem("y", source.table["y"], source.kinds["y"]))
    contract = render("data/contract.pbtxt.jinja", template_values(plan, sha256="", outside=None))
    return plan, text_format.Parse(contract, schema_pb2.Schema())


@pytest.mark.parametrize(
    "cells",
    [
        [f"{23_336 + 1_017 * n:,}" for n in range(40)],  # with thousands separators
        [f" {57_319 + 1_017 * n}" for n in range(40)],  # after a blank
        [f"+{96_383 + 1_017 * n}" for n in range(40)],
        [*[str(10_001 + 1_017 * n) for n in range(40)], ""],  # with gaps
        [*[str(10_001 + 1_017 * n) for n in range(40)], "N/A"],
    ],
)
def test_codes_are_the_texts_that_the_pipeline_reads(tmp_path: Path, cells: list[str]) -> None:
    plan, contract = make_task(tmp_path / "rows.csv", cells)
    column = plan.columns[0]
    assert (column.feature_names, column.distinct, column.missing > 0) == ("store_id_id", 40, len(cells) > 40)
    rules = ReadingRules.from_schema(contract)
    assert rules.kinds["store_id"] is CellKind.BYTES
    check_csv(tmp_path / "rows.csv", rules=rules)
    texts = plan.source.table["store_id"]
    assert set(texts.dropna()) == set(cells[:40])
    assert f"example:{texts[0]}" in contract.feature[0].annotation.tag
    assert (plan.source.formats, plan.source.examples) == ({}, {})


def test_one_code_in_two_spellings_is_no_category(tmp_path: Path) -> None:
    plan, contract = make_task(tmp_path / "rows.csv", [*[str(10_001 + 1_017 * n) for n in range(40)], "+10001"])
    assert plan.columns[0].why_not == (
        "codes of which some are written in several ways, such as '10001' and '+10001'; write each in one way"
    )
    assert ReadingRules.from_schema(contract).kinds["store_id"] is CellKind.INT


def profile(file: Path, numbers: list[object], heading: str, label: np.ndarray) -> ProfiledColumn:
    """The profile of one column, as pandas writes it."""
    table = pd.DataFrame({heading: numbers, "price": np.arange(len(numbers)) % 13 + 0.5, "y": label})
    table.to_csv(file, index=False)
    source = read_source(file)
    return profile_columns(source, choose_problem("y", source.table["y"], source.kinds["y"]))[0]


def test_a_gap_makes_no_quantity_of_a_code(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    codes = {"region": 101 + 7 * np.arange(40), "zip": 11115 + 1017 * np.arange(40), "few": np.arange(1, 4)}
    for heading, kinds in codes.items():
        place = random.integers(0, len(kinds), 2000)
        label = (random.random(2000) < random.choice([0.1, 0.9], len(kinds))[place]).astype(int)
        whole = [int(kinds[each]) for each in place]
        columns = [profile(tmp_path / "rows.csv", [*whole[:-1], last], heading, label) for last in (whole[-1], None)]
        assert [column.missing for column in columns] == [0, 1]
        found = [column.feature_names or column.why_not for column in columns]
        one = whole[0]
        remedy = (
            f"codes written with a fraction, such as {one}.0, as pandas writes a column with gaps; write {one}, "
            'in pandas by .astype("Int64")'
        )
        expected = ["few_number"] * 2 if heading == "few" else [f"{heading}_id", remedy]
        assert found == expected


def test_codes_that_lie_dense_stay_numbers_in_their_format(tmp_path: Path) -> None:
    plan, contract = make_task(tmp_path / "rows.csv", [f"{1_001 + n:,}" for n in range(20)])
    assert plan.columns[0].feature_names == "store_id_number"
    assert pd.api.types.is_integer_dtype(plan.source.table["store_id"])
    assert ReadingRules.from_schema(contract).formats.keys() == {"store_id"}


@pytest.mark.parametrize("heading", ["customer", "from_station_id", "phone"])
def test_a_heading_makes_a_code(tmp_path: Path, heading: str) -> None:
    plan, contract = make_task(tmp_path / "rows.csv", [str(10_001 + 1_017 * n) for n in range(40)], heading)
    assert plan.columns[0].feature_names == f"{heading}_id"
    assert ReadingRules.from_schema(contract).kinds[heading] is CellKind.BYTES
