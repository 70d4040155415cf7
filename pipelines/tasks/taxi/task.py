"""Define the taxi task: will a rider tip more than 20% of the fare?"""

from pathlib import Path

from components.csv_example_gen.row_split import RowSplit
from data import taxi as data
from pipelines.task_definition.problem import BINARY
from pipelines.task_definition.scoping import read_scoping
from pipelines.task_definition.task import Task
from pipelines.tasks.taxi import evaluation, preprocessing, trainer, tuner
from pipelines.tasks.taxi.features import FEATURES, LABEL

TASK = Task(
    name="taxi",
    problem=BINARY,
    classes=("no big tip", "big tip"),
    label=LABEL,
    prepare_data=data.prepare,
    contract=Path(data.__file__).parent / "schema" / "taxi.pbtxt",
    preprocessing_fn=preprocessing.preprocessing_fn,
    run_fn=trainer.run_fn,
    make_eval_config=evaluation.make_eval_config,
    split=RowSplit(),  # rows are independent, because a trip names neither driver nor rider
    hyperparameters=Path(__file__).with_name("hyperparameters.toml"),
    tuning=tuner.TUNING,
    scoping=evaluation.SCOPING,
    comparison=read_scoping(evaluation.SCOPING).success.comparison,
    min_slice_rows=read_scoping(evaluation.SCOPING).success.min_slice_rows,
    model_card=Path(__file__).with_name("model_card.md"),
    vocabularies={feature.name: feature.columns[0] for feature in FEATURES if feature.has_vocabulary},
    feature_columns={feature.name: feature.columns for feature in FEATURES},
)
