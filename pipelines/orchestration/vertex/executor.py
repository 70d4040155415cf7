"""Entry point of a node's container: what Kubeflow Pipelines lacks and a local run has, then TFX's own entry point.

- The folders of the outputs are there.
- A pointer that a lookup left is replaced by what it points to; an input of nothing is left out, as a Resolver that
  finds nothing leaves it out. So the components are the same as in a local run.
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
    """Runs a node's executor.

    Args:
        parsed: TFX's own three options, and Beam's arguments.
    """
    options, beam_args = parsed
    executor_input = prepare(json.loads(options.json_serialized_invocation_args))
    options.json_serialized_invocation_args = json.dumps(executor_input)
    kubeflow_v2_run_executor.main((options, beam_args))


def prepare(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Makes the folders of the outputs, and returns the ExecutorInput without pointers."""
    for output in executor_input.get("outputs", {}).get("artifacts", {}).values():
        for artifact in output["artifacts"]:
            fileio.makedirs(artifact["uri"])
    inputs = executor_input.get("inputs", {})
    if "artifacts" not in inputs:
        return executor_input
    return executor_input | {"inputs": inputs | {"artifacts": expand(inputs["artifacts"])}}


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Parses the arguments that TFX's compiler writes; what is left is Beam's."""
    parser = argparse_flags.ArgumentParser()  # knows absl's own flags, too
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    return parser.parse_known_args(arguments[1:])


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
