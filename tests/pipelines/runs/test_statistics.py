"""Statistics and anomalies as tables, made by TFDV itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipelines.runs import RunError
from pipelines.runs.statistics import list_splits, read_statistics, tabulate_anomalies, tabulate_statistics

TRAIN = pd.DataFrame({"miles": [0.0, 1.0, None, 3.0], "pay": ["Cash", "Card", "Cash", None]})
EVAL = pd.DataFrame({"miles": [2.0, 2.0], "pay": ["Coins", "Cash"]})
SCHEMA = text_format.Parse(
    """
    feature { name: "miles" type: FLOAT }
    feature { name: "pay" type: BYTES domain: "pay" }
    string_domain { name: "pay" value: "Cash" value: "Card" }
    """,
    schema_pb2.Schema(),
)


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Statistics and anomalies of two splits, in one folder."""
    folder = tmp_path_factory.mktemp("statistics")
    for split, rows in (("train", TRAIN), ("eval", EVAL)):
        found = tfdv.generate_statistics_from_dataframe(rows)
        anomalies = tfdv.validate_statistics(found, SCHEMA)
        (folder / f"Split-{split}").mkdir()
        (folder / f"Split-{split}" / "FeatureStats.pb").write_bytes(found.SerializeToString())
        (folder / f"Split-{split}" / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    return folder


def test_train_comes_before_eval(artifact: Path) -> None:
    assert list_splits(artifact) == ["train", "eval"]


def test_numbers(artifact: Path) -> None:
    table = tabulate_statistics(artifact).set_index(["split", "feature"])
    found = table.loc["train", "miles"]
    assert (found["type"], found["rows"], found["missing"], found["missing_share"]) == ("FLOAT", 4, 1, 0.25)
    assert found["mean"] == pytest.approx(4 / 3)
    assert found["std_dev"] == pytest.approx(np.std([0.0, 1.0, 3.0]))
    assert (found["min"], found["median"], found["max"], found["zeros"]) == (0.0, 1.0, 3.0, 1)
    assert np.isnan(found["unique"])
    assert found["top"] is None
    assert table.loc["eval", "miles"]["rows"] == 2


def test_strings(artifact: Path) -> None:
    found = tabulate_statistics(artifact).set_index(["split", "feature"]).loc["train", "pay"]
    assert (found["type"], found["missing"], found["unique"], found["top"]) == ("STRING", 1, 2, "Cash")
    assert found["top_share"] == 0.5
    assert np.isnan(found["mean"])


def test_a_split_that_is_not_there(artifact: Path) -> None:
    with pytest.raises(RunError, match=r"^no statistics at \S+: expected a split that is one of \['train', 'eval'\]$"):
        read_statistics(artifact, "test")


def test_anomalies(artifact: Path) -> None:
    assert tabulate_anomalies(artifact)[["split", "feature", "kind"]].values.tolist() == [
        ["eval", "pay", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"]
    ]
    assert "Coins" in tabulate_anomalies(artifact)["description"].item()


def test_no_anomalies_keep_the_columns(tmp_path: Path) -> None:
    assert list(tabulate_anomalies(tmp_path)) == ["split", "feature", "kind", "short", "description"]
