"""What a run says of a task's vocabularies, before anything is trained."""

import dataclasses
from pathlib import Path
from unittest import mock

import pytest
import tensorflow as tf
import tensorflow_transform as tft

from pipelines.modeling.vocabularies import SHARED_VOCABULARY, Coverage, VocabularyError
from pipelines.nodes import EXAMPLE_GEN, TRANSFORM
from pipelines.runner.vocabulary_coverage import measure_vocabularies
from tests.handmade import to_example, write_records
from tests.tasks.diabetes.task import TASK

pytestmark = pytest.mark.slow


def measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, Coverage]:
    """Measures the vocabulary of a column that has no value, beside one that has; the task calls its feature `name`."""
    transform = mock.Mock()
    transform.raw_feature_spec.return_value = {"color": tf.io.VarLenFeature(tf.string)}
    transform.vocabulary_file_by_name = {SHARED_VOCABULARY: SHARED_VOCABULARY}.get
    transform.vocabulary_by_name.return_value = [b"size_id=red"]
    monkeypatch.setattr(tft, "TFTransformOutput", lambda _: transform)
    (tmp_path / "Split-train").mkdir()
    write_records(tmp_path / "Split-train" / "rows.gz", [to_example({"color": None})])
    results = dict.fromkeys((EXAMPLE_GEN, TRANSFORM), mock.Mock(**{"uri.return_value": tmp_path}))
    task = dataclasses.replace(TASK, vocabularies={name: "color"}, feature_parts={"texts": ("size_id", "color_id")})
    return measure_vocabularies(results, task)


def test_a_column_without_any_text_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Coverage(column="color", known=0, left_out=0, left_out_share=0.0)
    assert measure(tmp_path, monkeypatch, "color_id") == {"color_id": empty}


def test_a_misspelt_name_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VocabularyError, match="preprocessing_fn makes no vocabulary 'colour_id'"):
        measure(tmp_path, monkeypatch, "colour_id")
