"""What the contract of a new task says beyond TFDV's proposal."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold import contract
from pipelines.scaffold.columns import profile_columns
from pipelines.scaffold.contract import propose_range
from pipelines.scaffold.plan import make_plan
from pipelines.scaffold.question import choose_problem
from pipelines.scaffold.source import read_source
from tests.pipelines.scaffold import data_sets


@pytest.mark.parametrize(
    ("least", "greatest", "kind", "expected"),
    [
        (19.0, 79.0, CellKind.FLOAT, (0.0, 140.0)),
        (3.2581, 6.107, CellKind.FLOAT, (0.0, 9.0)),
        (1, 12, CellKind.INT, (0, 23)),
        (-5, 5, CellKind.INT, (-15, 15)),
        (-5.0, -1.0, CellKind.FLOAT, (-9.0, 0.0)),
        (2001, 2024, CellKind.INT, (0, 2100)),
        (7, 7, CellKind.INT, (0, 14)),
        (0.001, 0.0015, CellKind.FLOAT, (0.0, 0.002)),
        (-(2**60), 5, CellKind.INT, None),
        (2**60, 2**61, CellKind.INT, None),
    ],
)
def test_ranges_leave_room_on_either_side(
    least: float, greatest: float, kind: CellKind, expected: tuple[float, float] | None
) -> None:
    assert propose_range(least, greatest, kind) == expected


def proposed(tmp_path: Path, **cells: list[object]) -> dict[str, contract.ContractFeature]:
    lines = [",".join(cells), *(",".join(map(str, row)) for row in zip(*cells.values(), strict=True))]
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    source = read_source(tmp_path / "rows.csv")
    question = choose_problem("y", source.table["y"], source.kinds["y"])
    plan = make_plan("x", source, question)
    return {each.name: each for each in contract.propose_features(plan.source, question, plan.columns)}


def test_what_other_rows_may_have_otherwise(tmp_path: Path) -> None:
    found = proposed(
        tmp_path,
        row=list(range(200)),
        same=["x"] * 200,
        store_id=[101 + number * 7 % 19 for number in range(200)],
        zip=[(94103, 10001, 60614)[number * 7 % 3] for number in range(200)],
        day=[f"2026-09-{number * 3 % 28 + 1:02}" for number in range(200)],
        age=[18 + number * 7 % 60 for number in range(200)],
        y=[number // 2 % 2 for number in range(200)],
    )
    # Left out: nothing is asked of the next rows' numbers, nor that they have any.
    for name in ("row", "same"):
        assert (found[name].served, found[name].required, found[name].min_fraction) == (False, False, None)
        assert (found[name].low, found[name].known) == (None, ())
    assert (found["store_id"].type, found["store_id"].low, found["store_id"].required) == ("INT", None, True)
    assert [name for name, one in found.items() if one.is_categorical] == ["store_id"]
    assert (found["zip"].type, found["zip"].low, found["zip"].example) == ("BYTES", None, "94103")
    assert (found["day"].written, found["day"].known, found["day"].example) == ("%Y-%m-%d", (), "2026-09-01")
    assert (found["age"].low, found["age"].high) == (0, 140)


def test_features_of_real_rows(tmp_path: Path) -> None:
    source = read_source(data_sets.diabetes(tmp_path / "diabetes.csv"))
    question = choose_problem("target", source.table["target"], source.kinds["target"])
    found = {
        feature.name: feature
        for feature in contract.propose_features(source, question, profile_columns(source, question))
    }
    assert "target" not in found
    age, sugar, sex, ward, patient = (found[name] for name in ("age", "s6", "sex", "ward", "patient"))
    assert (age.type, age.required, age.example) == ("FLOAT", True, "48.0")  # of row 2, the first that misses nothing
    assert (sugar.required, sugar.min_fraction) == (False, 0.42)  # half of the 378 in 442 rows that have it
    assert (sex.known, sex.required, sex.example) == (("female", "male"), False, "female")
    assert (ward.type, ward.low, ward.high, ward.is_categorical) == ("INT", 0, 7, False)
    assert (patient.served, patient.known, age.served) == (False, (), True)


def propose(table: pd.DataFrame, label: str, file: Path) -> dict[str, contract.ContractFeature]:
    """The contract of the columns of a table."""
    table.to_csv(file, index=False)
    source = read_source(file)
    question = choose_problem(label, source.table[label], source.kinds[label])
    return {
        feature.name: feature
        for feature in contract.propose_features(source, question, profile_columns(source, question))
    }


def test_rules_are_of_the_rows_with_a_value(tmp_path: Path) -> None:
    table = pd.DataFrame({"label": ["yes", "no"] * 300})
    for share in (0.01, 0.04, 0.25, 1):
        table[f"at_{share}"] = np.where(np.arange(600) < 600 * share, np.array(["a", "b", "c"] * 200), None)
    found = propose(table, "label", tmp_path / "table.csv")
    assert {name: (one.comparator, one.min_fraction, one.known_share) for name, one in found.items()} == {
        "at_0_01": (None, None, 0),  # 6 rows: left out, and nothing is asked of it
        "at_0_04": (None, None, 0),  # 24
        "at_0_25": (0.29, 0.12, 0.95),  # 150
        "at_1": (0.15, 0.5, 0.95),
    }
    assert [one.known for one in found.values()] == [(), *[("a", "b", "c")] * 3]


def test_what_tfdv_calls_a_text_is_no_value_of_it(tmp_path: Path) -> None:
    table = pd.DataFrame({"label": ["yes", "no"] * 60, "text": [*["short", "x" * 1025] * 60]})
    assert propose(table, "label", tmp_path / "table.csv")["text"].known == ()
