"""Define TrafficMonitor, which compares a window of served rows with training, the window before and the contract.

The lineage of its report leads to each model version that answered, and to the statistics and rows of its training.
"""

import json
from collections.abc import Mapping, Sequence
from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import ExampleAnomalies, Examples, ExampleStatistics, Model, Schema

from components.artifacts import LoggedAnswers, TrafficReport
from components.traffic_monitor.executor import Executor


class TrafficMonitorSpec(ComponentSpec):
    """Parameters, inputs and outputs of TrafficMonitor."""

    PARAMETERS: ClassVar = {
        "versions": ExecutionParameter(type=str),
        "hashed": ExecutionParameter(type=str),
        "dropped": ExecutionParameter(type=str),
        "fair": ExecutionParameter(type=int),
        "has_key": ExecutionParameter(type=int),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "examples": ChannelParameter(type=Examples),
        "answers": ChannelParameter(type=LoggedAnswers),
        "statistics": ChannelParameter(type=ExampleStatistics),
        "anomalies": ChannelParameter(type=ExampleAnomalies),
        "schema": ChannelParameter(type=Schema),
        "model": ChannelParameter(type=Model, optional=True),
        "training_examples": ChannelParameter(type=Examples, optional=True),
        "training_statistics": ChannelParameter(type=ExampleStatistics, optional=True),
    }
    OUTPUTS: ClassVar = {"report": ChannelParameter(type=TrafficReport)}


class TrafficMonitor(BaseComponent):
    """Component that judges a window of served rows and writes a TrafficReport."""

    SPEC_CLASS = TrafficMonitorSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        examples: BaseChannel,
        answers: BaseChannel,
        statistics: BaseChannel,
        anomalies: BaseChannel,
        schema: BaseChannel,
        model: BaseChannel | None,
        training_examples: BaseChannel | None,
        training_statistics: BaseChannel | None,
        versions: Mapping[str, Mapping[str, Sequence[str]]],
        hashed: Sequence[str],
        dropped: Sequence[str],
        fair: bool,
        has_key: bool,
        code_digest: str,
    ) -> None:
        """Create the node.

        Args:
            examples: served rows, from RequestLogExampleGen.
            answers: their logged answers, from RequestLogExampleGen.
            statistics: of the examples.
            anomalies: of the statistics, against `schema`.
            schema: the contract in its SERVING environment, for the columns that the log shows.
            model: the models that answered.
            training_examples: the Examples that they were trained on.
            training_statistics: the statistics of those Examples.
            versions: version that answered -> URIs of its artifacts, by the names of the three inputs above.
            hashed: columns that the log holds as hashes.
            dropped: columns that the log leaves out.
            fair: whether the window has hours and weekdays in the same shares as the training rows.
            has_key: whether the environment holds the key of the hashes (serving.request_log.settings); part of the
                cache key.
            code_digest: digest of this component's code; part of the cache key.
        """
        known = {"model": model, "training_examples": training_examples, "training_statistics": training_statistics}
        super().__init__(
            spec=TrafficMonitorSpec(
                examples=examples,
                answers=answers,
                statistics=statistics,
                anomalies=anomalies,
                schema=schema,
                versions=json.dumps(versions, sort_keys=True),
                hashed=json.dumps(sorted(hashed)),
                dropped=json.dumps(sorted(dropped)),
                fair=int(fair),
                has_key=int(has_key),
                code_digest=code_digest,
                report=Channel(type=TrafficReport),
                **{name: channel for name, channel in known.items() if channel is not None},
            )
        )
