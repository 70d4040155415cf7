"""Entry point of a node's container: prepare the inputs and outputs as in a local run, then call TFX's entry point.

- Make the folders of the outputs.
- Replace each pointer that a registry lookup wrote by the artifacts that it names. Leave out an input whose lookup
  found nothing, as a Resolver does. So the components are the same as in a local run.
"""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from absl import app
from absl.flags import argparse_flags
from tfx.dsl.io import fileio
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

from components.run_registry.pointers import expand


def main(parsed: tuple[argparse.Namespace, list[str]]) -> None:
    """Run a node's executor.

    Args:
        parsed: TFX's own three options, and Beam's arguments.
    """
    options, beam_args = parsed
    executor_input = prepare(json.loads(options.json_serialized_invocation_args))
    options.json_serialized_invocation_args = json.dumps(executor_input)
    kubeflow_v2_run_executor.main((options, beam_args))


def prepare(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Make the folders of the outputs, and return the ExecutorInput without pointers."""
    for output in executor_input.get("outputs", {}).get("artifacts", {}).values():
        for artifact in output["artifacts"]:
            fileio.makedirs(artifact["uri"])
    inputs = executor_input.get("inputs", {})
    if "artifacts" not in inputs:
        return executor_input
    return executor_input | {"inputs": inputs | {"artifacts": expand(inputs["artifacts"])}}


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Parse the arguments that TFX's compiler writes, and return the options and Beam's arguments."""
    parser = argparse_flags.ArgumentParser()  # also parses absl's own flags
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    return parser.parse_known_args(arguments[1:])


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
