from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from notebooks import exploring

CONTRACT = Path("data/schema/taxi.pbtxt")
SCHEMA = text_format.Parse(
    """
    feature { name: "paid" type: BYTES drift_comparator { infinity_norm { threshold: 0.2 } } }
    feature { name: "miles" type: INT }
    """,
    schema_pb2.Schema(),
)


def test_the_contract_as_a_table() -> None:
    table = exploring.tabulate_contract(text_format.Parse(CONTRACT.read_text(), schema_pb2.Schema()))
    assert table.loc["fare"].to_dict() == {
        "type": "FLOAT",
        "present in": "100% of rows or more",
        "values": "0 to 1,000",
        "drifts above": "",
        "when serving": "sent",
    }
    assert table.loc["payment_type", ["values", "drifts above"]].to_list() == ["7 known", "infinity norm 0.16"]
    assert table.loc["company", "values"] == "any"
    assert table.loc["tips", "when serving"] == "absent"


def test_drift_is_the_distance_by_the_contracts_measure() -> None:
    cash = [0.5, 0.5, 0.9]  # its share in each part; the infinity norm is the largest difference of a value's share
    parts = np.repeat(["a", "b", "c"], 100)
    paid = np.concatenate([np.repeat(["Cash", "Card"], [round(100 * x), round(100 - 100 * x)]) for x in cash])
    rows = pd.DataFrame({"paid": paid.astype(object), "miles": pd.array([1, None, 3] * 100, "Int64")})
    found = exploring.measure_drift(rows, pd.Series(parts), SCHEMA)
    assert list(found["part"]) == ["b", "c"]
    assert set(found["column"]) == {"paid"}
    assert set(found["measure"]) == {"infinity norm"}
    assert found["distance"].to_list() == pytest.approx([0.0, 0.4])
    assert found["share"].to_list() == pytest.approx([0.0, 2.0])


def test_means_of_slices_have_intervals() -> None:
    rows = pd.DataFrame({"hour": pd.array(np.repeat([1, 2], 200), "Int64")})
    hits = np.r_[np.zeros(200), np.tile([0, 1], 100)]
    slices = {"overall": (), "hour = 1": (("hour", "1"),), "hour = 2": (("hour", "2"),), "hour = 3": (("hour", "3"),)}
    found = exploring.measure_means(rows, hits, slices).set_index("slice")
    assert found["value"].to_dict() == {"hour = 1": 0.0, "overall": 0.25, "hour = 2": 0.5}
    assert found["rows"].to_dict() == {"hour = 1": 200, "overall": 400, "hour = 2": 200}
    # Half of 200: 0.5 ± 1.96 · sqrt(0.25 / 200) = 0.43 to 0.57.
    assert found.loc["hour = 2", ["low", "high"]].to_list() == pytest.approx([0.43, 0.57], abs=0.02)


def test_rows_without_a_value_are_compared_with_the_rest() -> None:
    rows = pd.DataFrame({"miles": pd.array([1, None, 3, None], "Int64"), "paid": ["a", "b", "c", "d"]})
    found = exploring.compare_presence(rows, ["miles", "paid"], {"share of it": np.array([0.0, 1.0, 0.0, 0.0])})
    assert found.loc["miles"].to_dict() == {
        ("rows", "missing"): 2,
        ("share of it", "missing"): 0.5,
        ("share of it", "present"): 0.0,
    }
    assert np.isnan(found.loc["paid", ("share of it", "missing")])
    assert exploring.compare_presence(rows, [], {}).empty


def test_the_columns_that_differ_most_come_first() -> None:
    one = pd.DataFrame({"same": ["a", "b"] * 50, "other": ["a"] * 100, "gone": [None] * 100, "near": ["a", "b"] * 50})
    other = one.assign(other="b", near=["a"] * 60 + ["b"] * 40)
    assert list(exploring.find_most_different(one, other, 2)) == ["other", "near"]


@pytest.mark.parametrize(
    ("tags", "kind", "found"),
    [
        (["span_time:epoch seconds"], "INT", ("when", "epoch seconds")),
        (["date:%Y-%m-%d"], "BYTES", ("when", "%Y-%m-%d")),
        (["example:3"], "INT", None),
    ],
)
def test_the_contract_names_the_time_column(tags: list[str], kind: str, found: tuple[str, str] | None) -> None:
    words = " ".join(f'tag: "{tag}"' for tag in tags)
    text = f'feature {{ name: "n" type: FLOAT }} feature {{ name: "when" type: {kind} annotation {{ {words} }} }}'
    assert exploring.find_time_column(text_format.Parse(text, schema_pb2.Schema())) == found


def test_time_is_cut_into_the_longest_periods_of_which_there_are_four() -> None:
    years = pd.Series([0, 100 * 86_400, 200 * 86_400, 300 * 86_400, None], dtype="Float64")
    assert exploring.cut_into_periods(years, "epoch seconds").to_list() == [
        "1970Q1",
        "1970Q2",
        "1970Q3",
        "1970Q4",
        None,
    ]
    days = pd.Series(["2026-03-01", "2026-03-02", "", "2026-03-05", None], index=[5, 6, 7, 8, 9])
    cut = exploring.cut_into_periods(days, "%Y-%m-%d")
    assert cut.to_dict() == {5: "2026-03-01", 6: "2026-03-02", 7: None, 8: "2026-03-05", 9: None}


def test_nothing_to_compare_is_an_empty_table() -> None:
    found = exploring.measure_drift(pd.DataFrame({"miles": []}), pd.Series(dtype=object), SCHEMA)
    assert found.empty
    assert found.nlargest(5, "share").empty
