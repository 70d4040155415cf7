"""Run the pipeline's own nodes one by one, in TFX's InteractiveContext."""

import os
from pathlib import Path

from IPython.utils.capture import capture_output
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration.experimental.interactive.interactive_context import InteractiveContext

from pipelines.options import RunOptions
from pipelines.resolution import resolve
from pipelines.task_definition.task import load_task
from pipelines.training import create_pipeline


class Steps:
    """The nodes that create_pipeline wires for run-local, to be run one by one."""

    def __init__(self, task: str, var: Path):
        """Create the nodes without running them.

        The environment variables DATA and TRAIN_STEPS mean the same as for `make run-local`.

        Args:
            task: name of the task.
            var: where the nodes write. Use a separate folder: no one has reviewed a model that is pushed here.
        """
        data, train_steps = os.environ.get("DATA"), os.environ.get("TRAIN_STEPS")
        options = RunOptions(
            task=task,
            var=var,
            data=Path(data) if data else None,
            train_steps=int(train_steps) if train_steps else None,
        )
        self.config = resolve(options, load_task(task))
        pipeline = create_pipeline(self.config)
        self.nodes: dict[str, BaseNode] = {node.id: node for node in pipeline.components}
        self._context = InteractiveContext(
            pipeline_name=self.config.task.name,
            pipeline_root=str(self.config.artifacts),
            metadata_connection_config=pipeline.metadata_connection_config,
            beam_pipeline_args=pipeline.beam_pipeline_args,
        )

    def run(self, name: str) -> dict[str, Path]:
        """Run one node, or reuse its earlier outputs if its inputs are the same.

        Args:
            name: id of the node, one of `nodes`.

        Returns:
            The folder of each output by name; a resolver that finds nothing has no outputs.

        Raises:
            ValueError: A node whose outputs this one reads has not run yet.
        """
        node = self.nodes[name]
        wired = dict(node.outputs)
        # Beam's display would make the notebook's page load scripts from a CDN.
        with capture_output(stdout=False, stderr=False):
            self._context.run(node)
        for key, channel in wired.items():
            # TFX's Importer replaces its output channels; the nodes that read them are wired to the first ones.
            channel.set_artifacts(node.outputs[key].get())
        return {key: Path(channel.get()[0].uri) for key, channel in wired.items() if channel.get()}
