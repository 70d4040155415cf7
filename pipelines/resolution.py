"""Make a PipelineConfig from a user's options: read the files and compute the digests that the wiring needs."""

import dataclasses
import glob
import hashlib
from pathlib import Path
from typing import Any

from tensorflow_model_analysis.proto import config_pb2

from components.anomaly_gate import component as anomaly_gate
from components.csv_example_gen import csv_files
from components.csv_example_gen import executor as checked_csv
from components.evaluator import component as evaluator
from components.keyed_transform import component as keyed_transform
from components.pusher import executor as atomic_pusher
from components.skew_gate import component as skew_gate
from components.source_digest import source_digest
from pipelines import deployment
from pipelines.cloud_settings import DEFAULT_FILE, read_dataflow_engine
from pipelines.comparison import component as better_gate
from pipelines.config import CodeDigests, ConfigError, CsvInput, PipelineConfig, SpanInput, TrainerConfig, TunerConfig
from pipelines.engines.dataflow import DataflowEngine, require_remote_root
from pipelines.engines.flink import FlinkEngine
from pipelines.engines.local import LocalEngine
from pipelines.evaluation.comparable import check_comparison
from pipelines.evaluation.eval_config import has_threshold, slice_columns, unknown_metrics
from pipelines.fairness import component as fairness
from pipelines.fairness.agreed import write_agreement
from pipelines.modeling import trainer_entry
from pipelines.modeling.hyperparameters import hyperparameters_copy
from pipelines.options import RunOptions
from pipelines.review import state as review
from pipelines.search import tuner_entry
from pipelines.span_input import resolve_spans
from pipelines.task_definition.task import Task
from pipelines.task_definition.tuning import Tuning
from serving.durable_file import write_whole
from serving.signing.errors import SigningError
from serving.signing.signers import SigningKey


def resolve(options: RunOptions, task: Task, *, remote_data: str | None = None) -> PipelineConfig:
    """Make the config of a run. Prepare the task's own data if the options name neither data nor spans.

    Args:
        options: the options of the command line.
        task: the task to train.
        remote_data: URI of files, or of a folder of files, that another machine will read; None: see `options`.

    Returns:
        The config.

    Raises:
        SourceError: There is no CSV file to read.
        ConfigError: The task's EvalConfig has no threshold or an unknown metric, the task has no Tuning for --tune or
            --seeds, or the key to sign with cannot be used.
        EngineError: The engine's settings or cluster are missing, or the engine cannot reach the run's files.
        ScopingError: The task's scoping.toml has a mistake, such as a comparison on an unknown metric.
        HyperparameterError: The task's hyperparameters cannot be used.
        SpanError: The chosen spans are not accepted.
    """
    if options.seeds is not None:
        require_tuning(task)
    contract = contract_copy(task, options.var)
    data = None if options.spans or remote_data else _find_data(options, task)
    trainer = TrainerConfig(**dataclasses.asdict(options.trainer), train_steps=options.train_steps or task.train_steps)
    agreement = write_agreement(task)
    budget = (options.budget or TunerConfig()) if options.tune else None
    return PipelineConfig(
        task=task,
        var=options.var,
        data=data,
        csv=_csv_input(*csv_files.locate(data), task) if data else _remote_input(remote_data, task),
        spans=_span_input(options, task, contract),
        contract=contract,
        digests=_digests(task, is_fairness_gated=agreement is not None),
        eval_config=_eval_config(task),
        fairness=agreement,
        trainer=trainer,
        trainer_custom_config=trainer_entry.custom_config(task.run_fn, trainer),
        tuner_custom_config=_tuner_custom_config(task, trainer, budget) if budget else None,
        hyperparameters=None if budget else hyperparameters_copy(task, options.var),
        warmup_batch_sizes=tuple(deployment.batch_sizes()),
        serving_image_tag=deployment.tensorflow_serving_tag() if options.infra == "docker" else None,
        push_to=options.push_to,
        signing=_signing(options),
        push_refusal=review.explain_refusal(task) if options.require_review else None,
        push_ties=options.push_ties,
        experiment=options.experiment,
        cache=not options.force,
        engine=_engine(options, task),
    )


def contract_copy(task: Task, var: Path) -> Path:
    """Copy the task's contract below `var`, under a name that changes with its content.

    ImportSchemaGen's cache key holds the file's path and not its content. With this path it changes with the content.

    Args:
        task: the task.
        var: the folder that the run writes to.

    Returns:
        The path of the copy.
    """
    content = task.contract.read_bytes()
    copy = var / "contracts" / task.name / f"{hashlib.sha256(content).hexdigest()[:16]}.pbtxt"
    copy.parent.mkdir(parents=True, exist_ok=True)
    if not copy.is_file() or copy.read_bytes() != content:  # Do not write it again: another process may be reading it.
        write_whole(copy, content)
    return copy


def checked_eval_config(eval_config: config_pb2.EvalConfig) -> config_pb2.EvalConfig:
    """Return the EvalConfig after checking that it can refuse a model.

    Raises:
        ConfigError: It has no threshold, with which the Evaluator would write no blessing and no message. Or it has an
            unknown metric, with which the Evaluator would fail after training.
    """
    for name, suggested in unknown_metrics(eval_config).items():
        raise ConfigError(
            f"the EvalConfig has a metric {name!r}, which neither TFMA nor Keras has: {suggested}; correct it in the "
            "task's evaluation.py."
        )
    if not has_threshold(eval_config):
        raise ConfigError(
            "the EvalConfig has no threshold, so no model could ever be blessed: expected at least one value "
            "threshold, received none; add one to the task's scoping.toml."
        )
    return eval_config


def _eval_config(task: Task) -> config_pb2.EvalConfig:
    """Return the task's EvalConfig after checking it, and the task's comparison against it.

    Raises:
        ConfigError: It cannot refuse a model.
        ScopingError: The comparison names an unknown metric or slice.
    """
    found = checked_eval_config(task.make_eval_config())
    if task.comparison is not None:
        check_comparison(task.comparison, task.problem, slice_columns(found))
    return found


def require_tuning(task: Task) -> Tuning:
    """Return the task's Tuning.

    Raises:
        ConfigError: The task has none.
    """
    if task.tuning is None:
        raise ConfigError(
            f"task {task.name} does not say what to search: expected Task(tuning=...), received none; "
            "see docs/how-to/tuning.md"
        )
    return task.tuning


def _engine(options: RunOptions, task: Task) -> LocalEngine | FlinkEngine | DataflowEngine:
    if options.engine == "local":
        return LocalEngine()
    if options.engine == "dataflow":
        dataflow = read_dataflow_engine(options.cloud or Path(DEFAULT_FILE).absolute(), task.name)
        require_remote_root(str(options.var / "artifacts"))
        return dataflow
    # The lock of `var` allows one run at a time: a job of this name is this run's, or a killed run's.
    folder = hashlib.sha256(str(options.var).encode()).hexdigest()[:8]
    return FlinkEngine.of_cluster(
        options.var / "flink", job_name=f"tfx-{task.name}-{folder}", time_limit=round(60 * options.job_minutes)
    )


def _signing(options: RunOptions) -> dict[str, str] | None:
    """Return Pusher's settings of the key to sign with. Open the key now, so that a bad one fails before training.

    Raises:
        ConfigError: The key cannot be used.
    """
    if options.sign is None:
        return None
    try:
        key_id = SigningKey(file=options.sign, command=options.sign_command).open().key.id
    except SigningError as error:
        raise ConfigError(f"--sign: {error}") from error
    command = {} if options.sign_command is None else {"command": options.sign_command}
    return {"file": str(options.sign), **command, atomic_pusher.KEY_ID: key_id}


def _span_input(options: RunOptions, task: Task, contract: Path) -> SpanInput | None:
    if options.spans is None:
        return None
    newest = options.evaluate_on == "newest"
    return resolve_spans(options.spans, task, contract, options.var / "metadata.sqlite", newest=newest)


def _find_data(options: RunOptions, task: Task) -> Path:
    data = options.data or task.prepare_data(options.var / "data" / task.name)
    csv_files.find_files(data)  # Raises SourceError if there is no file: earlier and clearer than ExampleGen.
    return data


def _remote_input(data: str | None, task: Task) -> CsvInput | None:
    """Return files of another machine: a folder, unless the last part of the URI has a file's ending or a wildcard."""
    if data is None:
        return None
    folder, _, last = data.rstrip("/").rpartition("/")
    if glob.has_magic(last) or last.lower().endswith(csv_files.ENDINGS):
        return _csv_input(folder, last, task)
    return _csv_input(data.rstrip("/"), csv_files.EVERY_FILE, task)


def _csv_input(folder: str, pattern: str, task: Task) -> CsvInput:
    return CsvInput(
        folder=folder,
        pattern=pattern,
        reader=checked_csv.column_types(str(task.contract), source_digest(checked_csv), task.split),
    )


def _digests(task: Task, *, is_fairness_gated: bool) -> CodeDigests:
    return CodeDigests(
        anomaly_gate=source_digest(anomaly_gate),
        transform=source_digest(task.preprocessing_fn, keyed_transform),
        evaluator=source_digest(fairness if is_fairness_gated else evaluator),
        better_gate=source_digest(better_gate),
        skew_gate=source_digest(skew_gate),
        pusher=source_digest(atomic_pusher),
    )


def _tuner_custom_config(task: Task, trainer: TrainerConfig, budget: TunerConfig) -> dict[str, Any]:
    require_tuning(task)
    return tuner_entry.custom_config(task, trainer, budget)
