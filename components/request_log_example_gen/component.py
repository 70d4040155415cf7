"""Define an ExampleGen that reads two time windows of the request log as the splits of one Examples artifact."""

import json
from collections.abc import Mapping
from typing import ClassVar

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Examples

from components.artifacts import LoggedAnswers
from components.request_log_example_gen.executor import ANSWERS, EXAMPLES, FOLDER, WINDOWS, Executor


class RequestLogExampleGenSpec(ComponentSpec):
    """Parameters and outputs of the node; it has no inputs."""

    PARAMETERS: ClassVar = {
        FOLDER: ExecutionParameter(type=str),
        WINDOWS: ExecutionParameter(type=str),
        "fingerprint": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS: ClassVar = {
        EXAMPLES: ChannelParameter(type=Examples),
        ANSWERS: ChannelParameter(type=LoggedAnswers),
    }


class RequestLogExampleGen(BaseComponent):
    """Writes the features of answered rows as Examples, and the answers to all rows as LoggedAnswers."""

    SPEC_CLASS = RequestLogExampleGenSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(self, folder: str, windows: Mapping[str, tuple[str, str]], fingerprint: str, code_digest: str) -> None:
        """Wire the node.

        Args:
            folder: the log's folder.
            windows: split -> first moment of its window, and first moment after it, in ISO 8601 with time zone.
            fingerprint: fingerprint of the log's files in the windows; part of the cache key.
            code_digest: digest of this component's code; part of the cache key.
        """
        super().__init__(
            spec=RequestLogExampleGenSpec(
                folder=folder,
                windows=json.dumps({name: list(span) for name, span in windows.items()}, sort_keys=True),
                fingerprint=fingerprint,
                code_digest=code_digest,
                examples=Channel(type=Examples),
                answers=Channel(type=LoggedAnswers),
            )
        )
