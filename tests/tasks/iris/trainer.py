"""Trains a small classifier."""

import keras
import tensorflow_transform as tft

from pipelines.modeling.export import export_model
from pipelines.modeling.fitting import fit, training_scope
from pipelines.modeling.trainer_entry import trainer_settings
from pipelines.modeling.transformed_rows import read_rows
from tests.tasks.iris.data import MEASURES, SPECIES
from tests.tasks.iris.preprocessing import LABEL

SEED = 7


def run_fn(fn_args):
    """Entry point of the Trainer."""
    transform = tft.TFTransformOutput(fn_args.transform_output)
    train, validation = read_rows(fn_args.train_files, transform, LABEL).hold_out(one_in=5)
    with training_scope(trainer_settings(fn_args), SEED):
        inputs = {name: keras.Input((1,), name=name) for name in MEASURES}
        hidden = keras.layers.Dense(8, activation="relu", name="hidden")(keras.layers.concatenate([*inputs.values()]))
        model = keras.Model(inputs, keras.layers.Dense(len(SPECIES), activation="softmax", name="species")(hidden))
        model.compile(optimizer=keras.optimizers.Adam(0.02), loss="sparse_categorical_crossentropy")
        fit(model, train, validation, fn_args, steps=fn_args.train_steps, batch_size=16, patience=20, seed=SEED)
    export_model(model, fn_args)
