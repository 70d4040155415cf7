"""Examples tell of their rows the same, whatever driver ran before: ours, TFX's own, or none."""

from pathlib import Path

import pytest
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

from components.csv_example_gen.origin import is_driven, resolve_span, write_origin


def source(*patterns: str) -> example_gen_pb2.Input:
    return example_gen_pb2.Input(splits=[example_gen_pb2.Input.Split(name=name, pattern=name) for name in patterns])


def test_without_a_driver_the_newest_span_is_found_and_named_in_the_pattern(tmp_path: Path) -> None:
    for span in (3, 12):
        (tmp_path / f"day-{span}.csv").write_text("a\n1\n")
    config = source("day-{SPAN}.csv")
    assert resolve_span(config, {"input_base": str(tmp_path)}) == (12, None)
    assert config.splits[0].pattern == "day-12.csv"


def test_without_a_span_in_the_pattern_it_is_0(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n")
    config = source("*")
    assert resolve_span(config, {"input_base": str(tmp_path)}) == (0, None)
    assert config.splits[0].pattern == "*"


def test_what_a_driver_found_counts_though_numbers_came_as_doubles() -> None:
    assert resolve_span(source("day-12.csv"), {"span": 12.0, "version": 2.0, "input_base": "/nowhere"}) == (12, 2)
    assert resolve_span(source("day-12.csv"), {"span": 12, "version": None}) == (12, None)


@pytest.mark.parametrize(
    ("fingerprint", "ours"),
    [(None, False), ("", False), ("split:a,num_files:1,total_bytes:4,xor_checksum:1,sum_checksum:1", False),
     ("split:a,num_files:1,total_bytes:4,blake2b:ab", True)],
)  # fmt: skip
def test_our_driver_is_known_by_its_fingerprint(fingerprint: str | None, ours: bool) -> None:
    assert is_driven({"input_fingerprint": fingerprint}) is ours


def test_examples_carry_the_fingerprint_of_the_content_and_whole_numbers() -> None:
    examples = standard_artifacts.Examples()
    examples.mlmd_artifact.custom_properties["span"].struct_value.fields["__value__"].number_value = 12.0
    examples.set_string_custom_property("input_fingerprint", "of sizes and times")
    write_origin(examples, 12, 2, "of the content")
    found = examples.mlmd_artifact.custom_properties
    assert (found["span"].int_value, found["version"].int_value) == (12, 2)
    assert found["input_fingerprint"].string_value == "of the content"
