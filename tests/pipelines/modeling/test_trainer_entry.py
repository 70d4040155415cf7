"""Trainer's entry: which run_fn it calls, with which settings, and what it demands of the exported model."""

import dataclasses
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.signatures import REQUIRED, SignatureError
from components.source_digest import source_digest
from pipelines.config import TrainerConfig
from pipelines.modeling.trainer_entry import custom_config, run_fn, trainer_settings

SETTINGS = TrainerConfig(train_steps=7, distribute="none", warm_start=True)


def export(fn_args: FnArgs) -> None:
    """A task's run_fn: exports a model with the signatures that `hyperparameters` name."""
    module = tf.Module()
    module.answer = tf.function(lambda examples: {"predictions": examples}, autograph=False)
    answer = module.answer.get_concrete_function(tf.TensorSpec([None], tf.string, name="examples"))
    tf.saved_model.save(module, fn_args.serving_model_dir, dict.fromkeys(fn_args.hyperparameters, answer))


def export_nothing(fn_args: FnArgs) -> None:
    """A task's run_fn that forgets to export."""


def arguments(directory: Path, signatures: tuple[str, ...], run: object = export) -> FnArgs:
    return FnArgs(
        serving_model_dir=str(directory / "serving"),
        hyperparameters=signatures,
        custom_config=custom_config(run, SETTINGS),
    )


def test_custom_config_is_the_cache_key_of_code_and_settings() -> None:
    assert custom_config(export, SETTINGS) == {
        "run_fn": ["tests.pipelines.modeling.test_trainer_entry", "export"],
        "settings": dataclasses.asdict(SETTINGS),
        "code_digest": source_digest(export),
    }


def test_settings_reach_run_fn(tmp_path: Path) -> None:
    assert trainer_settings(arguments(tmp_path, REQUIRED)) == SETTINGS


def test_all_signatures(tmp_path: Path) -> None:
    run_fn(arguments(tmp_path, REQUIRED))
    assert (tmp_path / "serving" / "saved_model.pb").is_file()


@pytest.mark.parametrize("lacking", REQUIRED)
def test_one_signature_lacks(tmp_path: Path, lacking: str) -> None:
    others = tuple(name for name in REQUIRED if name != lacking)
    with pytest.raises(SignatureError) as error:
        run_fn(arguments(tmp_path, others))
    assert str(error.value) == (
        f"the exported model lacks the signature {lacking}: expected serving_default, serving_raw, transform_features, "
        f"received {', '.join(others)}; end run_fn with pipelines.modeling.export.export_model."
    )


def test_no_signature(tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match=r"lacks the signature .* received none; end run_fn with"):
        run_fn(arguments(tmp_path, ()))


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(SignatureError) as error:
        run_fn(arguments(tmp_path, (), export_nothing))
    assert str(error.value) == (
        f"run_fn left no SavedModel in {tmp_path}/serving: expected one with the signatures serving_default, "
        "serving_raw, transform_features; end run_fn with pipelines.modeling.export.export_model."
    )
