"""Trains a small regression model."""

import keras
import tensorflow_transform as tft

from pipelines.modeling.export import export_model
from pipelines.modeling.fitting import fit, start_warm, training_scope
from pipelines.modeling.trainer_entry import trainer_settings
from pipelines.modeling.transformed_rows import read_rows
from tests.tasks.diabetes.preprocessing import LABEL, NUMERIC, SEX

SEED = 7


def build_model() -> keras.Model:
    """Dict of features [batch, 1] -> float32 [batch, 1]."""
    inputs = {name: keras.Input((1,), name=name) for name in NUMERIC}
    inputs[SEX] = keras.Input((1,), name=SEX, dtype="int64")
    one_hot = keras.layers.CategoryEncoding(3, output_mode="one_hot")(inputs[SEX])
    hidden = keras.layers.concatenate([*(inputs[name] for name in NUMERIC), one_hot])
    hidden = keras.layers.Dense(16, activation="relu", name="hidden")(hidden)
    output = keras.layers.Dense(1, bias_initializer=keras.initializers.Constant(150.0), name="progression")(hidden)
    return keras.Model(inputs, output)


def run_fn(fn_args):
    """Entry point of the Trainer."""
    transform = tft.TFTransformOutput(fn_args.transform_output)
    train, validation = read_rows(fn_args.train_files, transform, LABEL).hold_out(one_in=5)
    with training_scope(trainer_settings(fn_args), SEED):
        model = build_model()
        start_warm(model, fn_args.base_model)
        model.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse")
        fit(model, train, validation, fn_args, steps=fn_args.train_steps, batch_size=32, patience=10, seed=SEED)
    export_model(model, fn_args)
