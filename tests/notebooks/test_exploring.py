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


def test_shares_of_slices_have_intervals() -> None:
    rows = pd.DataFrame({"hour": pd.array(np.repeat([1, 2], 200), "Int64")})
    hits = np.r_[np.zeros(200), np.tile([0, 1], 100)]
    slices = {"overall": (), "hour = 1": (("hour", "1"),), "hour = 2": (("hour", "2"),), "hour = 3": (("hour", "3"),)}
    found = exploring.measure_shares(rows, hits, slices).set_index("slice")
    assert found["value"].to_dict() == {"hour = 1": 0.0, "overall": 0.25, "hour = 2": 0.5}
    assert found["rows"].to_dict() == {"hour = 1": 200, "overall": 400, "hour = 2": 200}
    # Half of 200: 0.5 ± 1.96 · sqrt(0.25 / 200) = 0.43 to 0.57.
    assert found.loc["hour = 2", ["low", "high"]].to_list() == pytest.approx([0.43, 0.57], abs=0.02)
