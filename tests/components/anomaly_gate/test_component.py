"""What stops a run, and in which words."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact
from tfx.utils import io_utils

from components.anomaly_gate.component import AnomalyError, AnomalyGate, split_by_tolerance
from components.anomaly_gate.findings import Finding
from components.artifacts import DataBlessing
from tests.handmade import to_example, write_records

CONTRACT = text_format.Parse(
    """
    dataset_constraints { min_examples_count: 30 }
    feature { name: "fare" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      float_domain { min: 0 max: 100 } }
    feature { name: "hour" type: INT presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      int_domain { max: 23 } }
    feature { name: "miles" type: FLOAT presence { min_fraction: 0.5 min_count: 1 } value_count { min: 1 max: 1 }
      float_domain { min: 0 }
      drift_comparator { jensen_shannon_divergence { threshold: 0.05 } }
      skew_comparator { jensen_shannon_divergence { threshold: 0.04 } } }
    feature { name: "pay" type: BYTES presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } }
      string_domain { name: "pay" value: "Cash" value: "Card" } distribution_constraints { min_domain_mass: 0.9 }
      drift_comparator { infinity_norm { threshold: 0.1 } } skew_comparator { infinity_norm { threshold: 0.2 } } }
    feature { name: "area" type: INT presence { min_count: 1 } value_count { min: 1 max: 1 }
      int_domain { min: 0 max: 9 is_categorical: true } }
    """,
    schema_pb2.Schema(),
)
ROWS = 100
Change = Callable[[pd.DataFrame], object]


def trips() -> pd.DataFrame:
    i = np.arange(ROWS)
    return pd.DataFrame(
        {
            "fare": (i % 50).astype(np.float32),
            "hour": i % 24,
            "miles": (i % 20).astype(np.float32),
            "pay": np.where(i % 2, "Cash", "Card"),
            "area": i % 10,
        }
    )


def changed(change: Change) -> pd.DataFrame:
    frame = trips()
    result = change(frame)
    return result if isinstance(result, pd.DataFrame) else frame


def statistics(directory: Path, **splits: pd.DataFrame) -> standard_artifacts.ExampleStatistics:
    """Laid out as StatisticsGen lays them out."""
    artifact = standard_artifacts.ExampleStatistics()
    for folder, frame in lay_out(artifact, directory, splits):
        made = tfdv.generate_statistics_from_dataframe(frame, tfdv.StatsOptions(schema=CONTRACT), n_jobs=1)
        (folder / "FeatureStats.pb").write_bytes(made.SerializeToString())
    return artifact


def rows(directory: Path, **splits: pd.DataFrame) -> standard_artifacts.Examples:
    """Laid out as ExampleGen lays them out."""
    artifact = standard_artifacts.Examples()
    for folder, frame in lay_out(artifact, directory, splits):
        present = (pd.Series(row).dropna().to_dict() for row in frame.to_dict("records"))
        write_records(folder / "data.gz", map(to_example, present))
    return artifact


def lay_out(
    artifact: Artifact, directory: Path, splits: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[Path, pd.DataFrame]]:
    """Make a folder for each split of an artifact, and yield it with the split's rows."""
    artifact.uri = str(directory)
    artifact.split_names = artifact_utils.encode_split_names(list(splits))
    for split, frame in splits.items():
        folder = directory / f"Split-{split}"
        folder.mkdir(parents=True)
        yield folder, frame


def recorded(directory: Path, found: standard_artifacts.ExampleStatistics) -> standard_artifacts.ExampleAnomalies:
    """Laid out as ExampleValidator lays them out."""
    artifact = standard_artifacts.ExampleAnomalies()
    artifact.uri = str(directory)
    artifact.split_names = found.split_names
    for split in artifact_utils.decode_split_names(found.split_names):
        made = tfdv.load_stats_binary(str(Path(found.uri) / f"Split-{split}" / "FeatureStats.pb"))
        (directory / f"Split-{split}").mkdir(parents=True)
        path = directory / f"Split-{split}" / "SchemaDiff.pb"
        path.write_bytes(tfdv.validate_statistics(made, CONTRACT).SerializeToString())
    return artifact


def gate(
    directory: Path,
    train: pd.DataFrame,
    evaluation: pd.DataFrame | None = None,
    previous: pd.DataFrame | None = None,
    tolerated: dict[str, list[str]] | None = None,
    examples: bool = False,
) -> DataBlessing:
    """Runs AnomalyGate itself, on artifacts."""
    (directory / "contract").mkdir()
    io_utils.write_pbtxt_file(str(directory / "contract" / "schema.pbtxt"), CONTRACT)
    schema, blessing = standard_artifacts.Schema(), DataBlessing()
    schema.uri, blessing.uri = str(directory / "contract"), str(directory / "blessing")
    Path(blessing.uri).mkdir()
    splits = {"train": train, "eval": trips() if evaluation is None else evaluation}
    found = statistics(directory / "statistics", **splits)
    AnomalyGate.test_call(
        statistics=found,
        schema=schema,
        anomalies=recorded(directory / "anomalies", found),
        blessing=blessing,
        baseline=None if previous is None else statistics(directory / "baseline", train=previous),
        contract="c.pbtxt",
        tolerated=json.dumps(tolerated or {}),
        train_split="train",
        eval_split="eval",
        why_splits_differ="WHY",
        code_digest="",
        examples=rows(directory / "examples", **splits) if examples else None,
    )
    return blessing


def found_in(directory: Path, train: pd.DataFrame, **more: Any) -> list[str]:
    with pytest.raises(AnomalyError) as error:
        gate(directory, train, **more)
    assert not (directory / "blessing" / "report.json").exists()
    return [str(finding) for finding in error.value.findings]


def test_nothing_found(tmp_path: Path) -> None:
    blessing = gate(tmp_path, trips(), previous=trips())
    assert blessing.get_string_custom_property(DataBlessing.STATISTICS_URI) == str(tmp_path / "statistics")
    assert json.loads((tmp_path / "blessing" / "report.json").read_text()) == {"tolerated": []}


def set_rows(count: int, column: str, value: object) -> Change:
    return lambda frame: frame.__setitem__(column, [value] * count + list(frame[column][count:]))


FAULTS = {
    "missing column": (
        lambda frame: frame.drop(columns="fare"),
        "fare (train): expected a column of FLOAT; observed no such column; "
        "add the column to the data, or remove fare from c.pbtxt [SCHEMA_MISSING_COLUMN]",
    ),
    "new column": (
        lambda frame: frame.assign(extra=[1.5, None] * 50),
        "extra (train): expected no such column; observed a column of FLOAT in 50 of 100 rows; "
        "drop the column from the data, or add extra to c.pbtxt [SCHEMA_NEW_COLUMN]",
    ),
    "integers for floats": (
        lambda frame: frame.assign(fare=np.arange(ROWS)),
        "fare (train): expected FLOAT; observed INT in 100 of 100 rows; "
        "fix fare in the data, or change it in c.pbtxt [UNEXPECTED_DATA_TYPE]",
    ),
    "text for floats": (
        lambda frame: frame.assign(fare=["?", "free"] * 50),
        "fare (train): expected FLOAT; observed STRING 'free', '?' in 100 of 100 rows; "
        "fix fare in the data, or change it in c.pbtxt [UNEXPECTED_DATA_TYPE]",
    ),
    "unknown strings": (
        set_rows(60, "pay", "Bitcoin"),
        "pay (train): expected at least 90% of values among 'Card', 'Cash'; observed unknown values 'Bitcoin' in 60 of "
        "100 rows; fix the values in the data, or widen the domain of pay in c.pbtxt "
        "[ENUM_TYPE_UNEXPECTED_STRING_VALUES]",
    ),
    "many unknown strings": (
        lambda frame: frame.assign(pay=[f"coin {i // 10}" for i in range(70)] + ["Cash", "Card"] * 15),
        "pay (train): expected at least 90% of values among 'Card', 'Cash'; observed unknown values 'coin 6', "
        "'coin 5', 'coin 4', 'coin 3', 'coin 2' and 2 more in 70 of 100 rows; fix the values in the data, or widen "
        "the domain of pay in c.pbtxt [ENUM_TYPE_UNEXPECTED_STRING_VALUES]",
    ),
    "too small": (
        set_rows(1, "fare", -7.5),
        "fare (train): expected 0 to 100; observed values down to -7.5 in at least 1 of 100 rows; "
        "fix the values in the data, or widen the domain of fare in c.pbtxt [FLOAT_TYPE_SMALL_FLOAT]",
    ),
    "too great": (
        lambda frame: frame.assign(fare=frame["fare"] * 10),
        "fare (train): expected 0 to 100; observed values up to 490 in at least 68 of 100 rows; "
        "fix the values in the data, or widen the domain of fare in c.pbtxt [FLOAT_TYPE_BIG_FLOAT]",
    ),
    "an integer too great": (
        set_rows(2, "hour", 24),
        "hour (train): expected at most 23; observed values up to 24 in at least 1 of 100 rows; "
        "fix the values in the data, or widen the domain of hour in c.pbtxt [INT_TYPE_BIG_INT]",
    ),
    "below an open range": (
        set_rows(3, "miles", -1.0),
        "miles (train): expected at least 0; observed values down to -1 in at least 1 of 100 rows; "
        "fix the values in the data, or widen the domain of miles in c.pbtxt [FLOAT_TYPE_SMALL_FLOAT]",
    ),
    "a code out of range": (
        set_rows(30, "area", 11),
        "area (train): expected 0 to 9; observed values up to 11 in 30 of 100 rows; "
        "fix the values in the data, or widen the domain of area in c.pbtxt [INT_TYPE_BIG_INT]",
    ),
    "an optional column that fades out": (
        set_rows(80, "miles", None),
        "miles (train): expected a value in at least 50% of rows; observed no value in 80 of 100 rows; "
        "fill the gaps in the data, or lower the presence of miles in c.pbtxt [FEATURE_TYPE_LOW_FRACTION_PRESENT]",
    ),
    "several values": (
        lambda frame: frame.assign(fare=[[value, value] for value in frame["fare"]]),
        "fare (train): expected one value in every row; observed up to 2 values in a row; "
        "fix fare in the data, or change it in c.pbtxt [INVALID_FEATURE_SHAPE]",
    ),
}


@pytest.mark.parametrize(("change", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_fault(tmp_path: Path, change: Change, expected: str) -> None:
    frame = changed(change)
    assert found_in(tmp_path, frame, evaluation=frame)[0] == expected


@pytest.mark.parametrize(
    ("change", "observed"),
    [
        (
            lambda frame: frame.assign(fare=[3.0] * 40 + [-7.5] + [4.0] * 59),
            "down to -7.5 in 1 of 100 rows, first in the row with fare -7.5, hour 16, miles 0, pay 'Card', area 0; fix",
        ),
        (
            set_rows(3, "hour", 24),
            "up to 24 in 3 of 100 rows, first in the row with hour 24, fare 0, miles 0, pay 'Card', area 0; fix",
        ),
        (
            set_rows(60, "pay", "Bitcoin"),
            "'Bitcoin' in 60 of 100 rows, first in the row with pay 'Bitcoin', fare 0, hour 0, miles 0, area 0; fix",
        ),
        (
            set_rows(2, "fare", None),
            "no value in 2 of 100 rows, first in the row with hour 0, miles 0, pay 'Card', area 0; fill",
        ),
        (
            lambda frame: frame.assign(fare=[[1.0]] * 99 + [[5.0, 6.0]]),
            "up to 2 values in a row in 1 of 100 rows, first in the row with fare 5 6, hour 3, miles 19, pay 'Cash', "
            "area 9",
        ),
        (lambda frame: frame.assign(fare=["free"] * 100), "STRING 'free' in 100 of 100 rows; fix"),
    ],
)
def test_the_rows_are_counted_and_the_first_is_named(tmp_path: Path, change: Change, observed: str) -> None:
    frame = changed(change)
    line = found_in(tmp_path, frame, evaluation=frame, examples=True)[0]
    assert observed in line


def test_one_empty_cell_is_one_finding(tmp_path: Path) -> None:
    (finding,) = found_in(tmp_path, changed(set_rows(1, "fare", None)), examples=True)
    assert "expected a value in every row; observed no value in 1 of 100 rows, first in the row with hour 0" in finding


def test_a_shape_that_breaks_alone_is_not_passed_over(tmp_path: Path) -> None:
    frame = changed(set_rows(1, "fare", None))
    tolerated = {"fare": ["FEATURE_TYPE_LOW_FRACTION_PRESENT"]}
    (finding,) = found_in(tmp_path, frame, tolerated=tolerated)
    assert finding.endswith("[INVALID_FEATURE_SHAPE]")


def test_gaps_in_a_required_column(tmp_path: Path) -> None:
    frame = changed(set_rows(10, "fare", None))
    assert [line for line in found_in(tmp_path, frame, evaluation=frame) if "(train)" in line] == [
        "fare (train): expected a value in every row; observed no value in 10 of 100 rows; fill the gaps in the data, "
        "or lower the presence of fare, and remove its shape, in c.pbtxt [FEATURE_TYPE_LOW_FRACTION_PRESENT]",
    ]


def test_too_few_rows(tmp_path: Path) -> None:
    assert found_in(tmp_path, trips()[:20], evaluation=trips()[:20])[-1] == (
        "(dataset) (eval): expected rows that meet dataset_constraints in c.pbtxt; observed "
        "The dataset has 20 examples, which is fewer than expected; provide other rows, or change dataset_constraints "
        "[DATASET_LOW_NUM_EXAMPLES]"
    )


def test_fault_of_the_eval_split(tmp_path: Path) -> None:
    (line,) = found_in(tmp_path, trips(), evaluation=changed(set_rows(1, "hour", 30)))
    assert line.startswith("hour (eval): expected at most 23; observed values up to 30 in at least 1 of 100 rows; ")


def shifted(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(pay=["Cash"] * 80 + ["Card"] * 20, miles=19 - frame["miles"] ** 2 / 19)


def test_drift(tmp_path: Path) -> None:
    train = shifted(trips())
    assert found_in(tmp_path, train, evaluation=train, previous=trips()) == [
        "miles (train): expected a Jensen-Shannon divergence of at most "
        "0.05 from the last accepted data; observed 0.08297; find out what changed in the data, or raise "
        "drift_comparator of miles in c.pbtxt [COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH]",
        "pay (train): expected an L-infinity distance of at most 0.1 from the last accepted "
        "data; observed 0.3, most for Cash; find out what changed in the data, or raise drift_comparator of pay in "
        "c.pbtxt [COMPARATOR_L_INFTY_HIGH]",
    ]


def test_a_drift_of_few_rows_names_what_chance_does(tmp_path: Path) -> None:
    pay = [*["Cash"] * 61, *["Card"] * 39]
    (line,) = found_in(tmp_path, trips().assign(pay=pay), previous=trips())
    assert (
        "observed 0.11, most for Cash; with 100 and 100 rows chance alone moves a share by up to 0.2; find out" in line
    )


def test_skew(tmp_path: Path) -> None:
    assert found_in(tmp_path, trips(), evaluation=shifted(trips())) == [
        "miles (train): expected a Jensen-Shannon divergence of at most "
        "0.04 from the eval split; observed 0.08297; WHY; add rows, split them differently, or raise "
        "skew_comparator of miles in c.pbtxt [COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH]",
        "pay (train): expected an L-infinity distance of at most 0.2 from the eval split; "
        "observed 0.3, most for Cash; WHY; add rows, split them differently, or raise skew_comparator of pay in "
        "c.pbtxt [COMPARATOR_L_INFTY_HIGH]",
    ]


def test_first_run_has_nothing_to_drift_from(tmp_path: Path) -> None:
    train = shifted(trips())
    blessing = gate(tmp_path, train, evaluation=train)
    assert blessing.get_string_custom_property(DataBlessing.STATISTICS_URI) == str(tmp_path / "statistics")


def test_a_column_that_the_last_data_had_not(tmp_path: Path) -> None:
    assert found_in(tmp_path, trips(), previous=trips().drop(columns="pay")) == [
        "pay (train): expected the column in both sets of rows that are compared; "
        "observed previous data is missing; fill pay in the data, or remove its comparators from c.pbtxt "
        "[COMPARATOR_CONTROL_DATA_MISSING]"
    ]


def test_tolerated_kinds_are_reported_and_pass(tmp_path: Path) -> None:
    frame = changed(set_rows(60, "pay", "Bitcoin"))
    gate(tmp_path, frame, evaluation=frame, tolerated={"pay": ["ENUM_TYPE_UNEXPECTED_STRING_VALUES"]})
    report = json.loads((tmp_path / "blessing" / "report.json").read_text())
    assert [(record["feature"], record["split"], record["share"]) for record in report["tolerated"]] == [
        ("pay", "train", 0.6),
        ("pay", "eval", 0.6),
    ]
    assert str(Finding(**report["tolerated"][0])).startswith("pay (train): expected")


def test_what_is_not_tolerated_is_refused_alone(tmp_path: Path) -> None:
    frame = changed(set_rows(60, "pay", "Bitcoin")).assign(extra=1)
    with pytest.raises(AnomalyError) as error:
        gate(tmp_path, frame, tolerated={"pay": list(anomalies_pb2.AnomalyInfo.Type.keys())})
    assert str(error.value) == (
        "the data does not meet the contract c.pbtxt: 1 finding\n"
        "  extra (train): expected no such column; observed a column of INT in 100 of 100 rows; "
        "drop the column from the data, or add extra to c.pbtxt [SCHEMA_NEW_COLUMN]"
    )


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("ENUM_UNEXPECTED_STRING_VALUES", "did you mean ENUM_TYPE_UNEXPECTED_STRING_VALUES?"),
        ("whatever", "expected one such as SCHEMA_NEW_COLUMN"),
    ],
)
def test_unknown_tolerated_kind(kind: str, meant: str) -> None:
    with pytest.raises(ValueError, match="no kind is named") as error:
        split_by_tolerance([], {"pay": [kind]})
    assert str(error.value) == f"tolerated anomaly of pay: no kind is named {kind!r}; {meant}"
