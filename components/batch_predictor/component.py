"""Define BatchPredictor, a node that predicts the rows of files with a pushed model."""

import json
from collections.abc import Sequence

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import Channel, standard_artifacts
from tfx.types.channel import OutputChannel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import Predictions
from components.batch_predictor import executor
from components.batch_predictor.driver import Driver
from components.batch_predictor.executor import Executor
from components.source_digest import source_digest


class BatchPredictorSpec(ComponentSpec):
    """Inputs, outputs and parameters of the node. Settings are JSON, since TFX parameters cannot be lists or None."""

    INPUTS = {executor.MODEL: ChannelParameter(type=standard_artifacts.PushedModel)}  # noqa: RUF012
    OUTPUTS = {executor.PREDICTIONS: ChannelParameter(type=Predictions)}  # noqa: RUF012
    PARAMETERS = {  # noqa: RUF012
        executor.DATA: ExecutionParameter(type=str),
        executor.SETTINGS: ExecutionParameter(type=str),
        executor.CODE_DIGEST: ExecutionParameter(type=str),
        executor.FINGERPRINT: ExecutionParameter(type=str, optional=True),  # the driver fills it in
    }


class BatchPredictor(BaseBeamComponent):
    """Predicts the rows of files; see `prediction.predict_files`.

    Its cache key holds the contents and names of the files, which the driver reads, and the digest of the code.
    """

    SPEC_CLASS = BatchPredictorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        model: OutputChannel,
        data: str,
        *,
        threshold: float | None = None,
        classes: Sequence[str] = (),
        keep: Sequence[str] = (),
    ) -> None:
        """Wire the node.

        Args:
            model: a PushedModel, such as Pusher's output or a Resolver's.
            data: a CSV or Parquet file, a folder of them, or a glob pattern.
            threshold: the decision is true from this probability on; None: no decision by threshold.
            classes: names of the model's outputs, if it has several with names.
            keep: columns of the files that are copied to the output.
        """
        settings = {"threshold": threshold, "classes": list(classes), "keep": list(keep)}
        super().__init__(
            BatchPredictorSpec(
                **{
                    executor.MODEL: model,
                    executor.PREDICTIONS: Channel(type=Predictions),
                    executor.DATA: data,
                    executor.SETTINGS: json.dumps(settings),
                    executor.CODE_DIGEST: source_digest(executor),
                }
            )
        )
