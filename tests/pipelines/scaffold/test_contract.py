"""What the contract of a new task says beyond TFDV's proposal."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.csv_example_gen.csv_files import CellKind
from pipelines.scaffold import contract
from pipelines.scaffold.columns import profile_columns
from pipelines.scaffold.contract import propose_range
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
    assert (ward.type, ward.low, ward.high) == ("INT", 0, 7)
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
        "at_0_01": (None, None, 0),  # 6 rows
        "at_0_04": (None, None, 0),  # 24
        "at_0_25": (0.3, 0.12, 0.95),  # 150
        "at_1": (0.15, 0.5, 0.95),
    }
    assert all(one.known == ("a", "b", "c") for one in found.values())


def test_what_tfdv_calls_a_text_is_no_value_of_it(tmp_path: Path) -> None:
    table = pd.DataFrame({"label": ["yes", "no"] * 60, "text": [*["short", "x" * 1025] * 60]})
    assert propose(table, "label", tmp_path / "table.csv")["text"].known == ()
