"""Runs the pipeline's own nodes one by one, in TFX's InteractiveContext."""

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
    """The nodes that create_pipeline wires for run-local, ready to be run by hand."""

    def __init__(self, task: str, var: Path):
        """Wire the nodes; runs none.

        DATA and TRAIN_STEPS in the environment mean what they mean to `make run-local`.

        Args:
            task: name of the task.
            var: where the steps write: a folder of their own, for what is pushed here was reviewed by nobody.
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
        """Run one node, or takes what it wrote before on the same inputs.

        Args:
            name: id of the node, one of `nodes`.

        Returns:
            Its outputs: name -> folder; a resolver that found nothing has none.

        Raises:
            ValueError: A node that this one reads from has not run yet.
        """
        node = self.nodes[name]
        wired = dict(node.outputs)
        # Beam would have the notebook's page load scripts from a CDN.
        with capture_output(stdout=False, stderr=False):
            self._context.run(node)
        for key, channel in wired.items():
            # TFX's Importer puts a new channel into its outputs; those who read it were wired to the old one.
            channel.set_artifacts(node.outputs[key].get())
        return {key: Path(channel.get()[0].uri) for key, channel in wired.items() if channel.get()}
