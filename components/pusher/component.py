"""Define a Pusher that also reads BetterGate's comparison and pushes whole versions."""

from typing import Any

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import Channel
from tfx.types.channel import BaseChannel
from tfx.types.component_spec import ChannelParameter
from tfx.types.standard_artifacts import PushedModel
from tfx.types.standard_component_specs import PusherSpec
from tfx.utils import json_utils

from components.artifacts import ModelComparison
from components.pusher.executor import COMPARISON_KEY, Executor


class ComparingPusherSpec(PusherSpec):
    """TFX's spec of a Pusher, with BetterGate's comparison as an optional input."""

    INPUTS = {**PusherSpec.INPUTS, COMPARISON_KEY: ChannelParameter(type=ModelComparison, optional=True)}  # noqa: RUF012


class ComparingPusher(BaseComponent):
    """Pushes a model if both blessings and the comparison, if there is one, allow it."""

    SPEC_CLASS = ComparingPusherSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(
        self,
        *,
        model: BaseChannel,
        model_blessing: BaseChannel,
        infra_blessing: BaseChannel,
        push_destination: Any,
        custom_config: dict[str, Any],
        comparison: BaseChannel | None = None,
    ) -> None:
        """Wire the node.

        Args:
            model: what to push.
            model_blessing: the Evaluator's verdict.
            infra_blessing: SkewGate's verdict, with the warm-up requests.
            push_destination: PushDestination with `filesystem.base_directory`, or a runtime parameter with its JSON.
            custom_config: see components.pusher.executor.
            comparison: BetterGate's verdict; None: the pipeline has no BetterGate.
        """
        super().__init__(
            spec=ComparingPusherSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                comparison=comparison,
                push_destination=push_destination,
                custom_config=json_utils.dumps(custom_config),
                pushed_model=Channel(type=PushedModel),
            )
        )
