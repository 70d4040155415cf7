"""The task's record."""

from pathlib import Path

from pipelines.task_definition.problem import BINARY
from pipelines.task_definition.task import Task
from tests.tasks.orders import data, evaluation, preprocessing, trainer

TASK = Task(
    name="orders",
    problem=BINARY,
    label=preprocessing.LABEL,
    prepare_data=data.prepare,
    contract=Path(__file__).with_name("schema.pbtxt"),
    preprocessing_fn=preprocessing.preprocessing_fn,
    run_fn=trainer.run_fn,
    make_eval_config=evaluation.make_eval_config,
    train_steps=150,
    vocabularies={preprocessing.CHANNEL: preprocessing.CHANNEL},
)
