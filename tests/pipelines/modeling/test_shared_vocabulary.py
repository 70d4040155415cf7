"""One vocabulary for several columns: whose id is whose, through a real analysis."""

from pathlib import Path
from typing import Any
from unittest import mock

import apache_beam as beam
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata

from pipelines.engines.local import LocalEngine
from pipelines.modeling.shared_vocabulary import count_shared_ids, find_shared_ids
from pipelines.modeling.stacked_columns import stack_columns
from pipelines.modeling.vocabularies import (
    SHARED_VOCABULARY,
    Coverage,
    VocabularyError,
    line_prefix,
    measure_coverage,
    read_vocabulary,
)
from tests.handmade import to_example, write_records

pytestmark = pytest.mark.slow

NAMES = ["color_id", "size_id"]
SPEC = {"color": tf.io.VarLenFeature(tf.string), "size": tf.io.FixedLenFeature([1], tf.string)}
# `red` in both columns; texts that spell the other column's lines, a line break, nothing, what is rare.
ROWS = [
    *[{"color": "red", "size": "red"}] * 5,
    *[{"color": "a\nb", "size": "size_id=red"}] * 4,
    *[{"color": "", "size": "=red"}] * 3,
    *[{"color": None, "size": "color_id=red"}] * 2,
    {"color": "blue", "size": "S"},
]


def shared_ids(inputs: dict[str, Any]) -> dict[str, tf.Tensor]:
    texts = stack_columns([inputs["color"], inputs["size"]], tf.string)
    return {"texts": find_shared_ids(texts, NAMES, min_count=2)}


@pytest.fixture(scope="module")
def transform(tmp_path_factory: pytest.TempPathFactory) -> tft.TFTransformOutput:
    folder = tmp_path_factory.mktemp("transform")
    instances = [{name: [] if cell is None else [cell] for name, cell in row.items()} for row in ROWS]
    metadata = dataset_metadata.DatasetMetadata.from_feature_spec(SPEC)
    options = PipelineOptions(list(LocalEngine().beam_args()))
    with beam.Pipeline(options=options) as pipeline, tft_beam.Context(temp_dir=str(folder / "tmp")):
        source = pipeline | beam.Create(instances, reshuffle=False)
        graph = (source, metadata) | tft_beam.AnalyzeDataset(shared_ids)
        _ = graph | tft_beam.WriteTransformFn(str(folder / "out"))
        _ = metadata | tft_beam.WriteMetadata(str(folder / "out" / tft.TFTransformOutput.RAW_METADATA_DIR), pipeline)
    return tft.TFTransformOutput(str(folder / "out"))


def ids_of(transform: tft.TFTransformOutput, *rows: tuple[str | None, str]) -> list[list[int]]:
    parsed = tf.io.parse_example([to_example({"color": color, "size": size}) for color, size in rows], SPEC)
    found: list[list[int]] = transform.transform_features_layer()(parsed)["texts"].numpy().tolist()
    return found


def test_equal_texts_of_two_columns_have_ids_of_their_own(transform: tft.TFTransformOutput) -> None:
    ((color, size),) = ids_of(transform, ("red", "red"))
    assert color != size
    assert min(color, size) >= count_shared_ids(2, 0)
    lines = transform.vocabulary_by_name(SHARED_VOCABULARY)
    assert (lines[color - 4], lines[size - 4]) == (b"color_id=red", b"size_id=red")


def test_missing_and_unseen_are_ids_of_their_column_that_no_text_has(transform: tft.TFTransformOutput) -> None:
    assert ids_of(transform, (None, "green"), ("green", "S")) == [[0, 3], [1, 3]]
    assert ids_of(transform, ("blue", "(missing)")) == [[1, 3]]  # blue is there once: too rare


def test_each_frequent_text_has_one_id_whatever_it_spells(transform: tft.TFTransformOutput) -> None:
    rows = dict.fromkeys((row["color"], row["size"]) for row in ROWS)
    colors, sizes = zip(*ids_of(transform, *rows), strict=True)
    assert colors[3:] == (0, 1)
    assert sizes[4:] == (3,)
    known = [*colors[:3], *sizes[:4]]
    assert sorted(known) == list(range(4, 11))
    assert count_shared_ids(2, transform.vocabulary_size_by_name(SHARED_VOCABULARY)) == 11


def test_a_column_of_it_reads_back_as_it_was(transform: tft.TFTransformOutput) -> None:
    assert read_vocabulary(transform, "color_id") == [b"red", b"a\nb", b""]
    assert read_vocabulary(transform, "size_id") == [b"red", b"size_id=red", b"=red", b"color_id=red"]


def test_what_it_leaves_out_is_told_by_column(transform: tft.TFTransformOutput, tmp_path: Path) -> None:
    file = write_records(tmp_path / "rows.gz", [to_example(row) for row in ROWS])
    found = measure_coverage([file], {"color_id": "color", "size_id": "size"}, transform)
    assert found == {
        "color_id": Coverage(column="color", known=3, left_out=1, left_out_share=1 / 15),
        "size_id": Coverage(column="size", known=4, left_out=1, left_out_share=1 / 15),
    }


def test_a_name_that_it_does_not_know_is_refused_unless_it_may_have_no_text() -> None:
    """The columns of the task's feature_parts may: all of their texts can be missing."""
    fake = mock.Mock()
    fake.raw_feature_spec.return_value = SPEC
    fake.vocabulary_file_by_name = {SHARED_VOCABULARY: SHARED_VOCABULARY}.get
    fake.vocabulary_by_name.return_value = [b"size_id=red", b"color_id=red"]
    with pytest.raises(VocabularyError, match="preprocessing_fn makes no vocabulary 'colour_id': expected one"):
        measure_coverage([], {"size_id": "size", "colour_id": "color"}, fake, ["size_id", "color_id", "shape_id"])
    empty = Coverage(column="color", known=0, left_out=0, left_out_share=0.0)
    assert measure_coverage([], {"shape_id": "color"}, fake, ["shape_id"]) == {"shape_id": empty}
    assert read_vocabulary(fake, "shape_id", ["shape_id"]) == []
    with pytest.raises(VocabularyError, match="makes no vocabulary 'shape_id'"):
        read_vocabulary(fake, "shape_id")


def test_it_is_read_once_for_all_columns() -> None:
    fake = mock.Mock()
    fake.raw_feature_spec.return_value = SPEC
    fake.vocabulary_file_by_name = {SHARED_VOCABULARY: SHARED_VOCABULARY}.get
    fake.vocabulary_by_name.return_value = [b"size_id=red", b"color_id=red"]
    measure_coverage([], {"size_id": "size", "color_id": "color"}, fake)
    fake.vocabulary_by_name.assert_called_once_with(SHARED_VOCABULARY)


@pytest.mark.parametrize("name", ["", "a=b", "a\nb", "a\rb"])
def test_refuses_a_name_that_a_text_could_spell(name: str) -> None:
    with pytest.raises(VocabularyError, match="expected a name without an equals sign or a line break"):
        line_prefix(name)
