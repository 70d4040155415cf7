"""Trains a small model of two classes."""

import keras
import tensorflow_transform as tft

from pipelines.modeling.export import export_model
from pipelines.modeling.fitting import fit, start_warm, training_scope
from pipelines.modeling.trainer_entry import trainer_settings
from pipelines.modeling.transformed_rows import read_rows
from tests.tasks.orders.preprocessing import AMOUNT, CHANNEL, LABEL, WEIGHT

SEED = 7


def build_model() -> keras.Model:
    """Dict of features [batch, 1] -> float32 [batch, 1], a probability."""
    inputs = {name: keras.Input((1,), name=name) for name in (AMOUNT, WEIGHT)}
    inputs[CHANNEL] = keras.Input((1,), name=CHANNEL, dtype="int64")
    one_hot = keras.layers.CategoryEncoding(4, output_mode="one_hot")(inputs[CHANNEL])
    joined = keras.layers.concatenate([inputs[AMOUNT], inputs[WEIGHT], one_hot])
    return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid", name="returned_chance")(joined))


def run_fn(fn_args):
    """Entry point of the Trainer."""
    transform = tft.TFTransformOutput(fn_args.transform_output)
    train, validation = read_rows(fn_args.train_files, transform, LABEL).hold_out(one_in=5)
    with training_scope(trainer_settings(fn_args), SEED):
        model = build_model()
        start_warm(model, fn_args.base_model)
        model.compile(optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy")
        fit(model, train, validation, fn_args, steps=fn_args.train_steps, batch_size=32, patience=10, seed=SEED)
    export_model(model, fn_args)
