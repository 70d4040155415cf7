"""Runs a compiled job as Vertex AI would: each node is a process, with the command line and input of the service.

Placeholders, parameters and outputs are resolved by the rules of the pipeline spec
(https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto). A folder stands for the bucket.
Artifacts go from node to node as JSON, so every number is a double, and TFX makes a 63-bit id of each artifact's name.
"""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[4]
_STORE = "projects/12345/locations/europe-west1/metadataStores/default/artifacts"
_EXECUTOR_INPUT = "{{$}}"
_NODE_SECONDS = 600.0


class NodeFailedError(Exception):
    """A node's process ended with another status than 0; `log` is what it said."""

    def __init__(self, node: str, log: str):
        super().__init__(f"{node}: {log[-3000:]}")
        self.node, self.log = node, log


@dataclasses.dataclass(kw_only=True)
class Rehearsal:
    """One run of a job."""

    job: Mapping[str, Any]
    folder: Path  # of this run, below the pipeline root
    hook: bool = True  # run preCacheCheck hooks, as Vertex AI does and open-source Kubeflow does not
    outputs: dict[str, dict[str, dict[str, Any]]] = dataclasses.field(default_factory=dict)  # node -> key -> artifact
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def spec(self) -> Mapping[str, Any]:
        """The PipelineSpec."""
        return self.job["pipelineSpec"]  # type: ignore[no-any-return]

    def run(self, *only: str) -> None:
        """Runs all nodes, or those of these names, each after those that it depends on.

        Raises:
            NodeFailedError: A node failed; those after it are not run, as in the service.
        """
        for name in self.order():
            if not only or name in only:
                begin = time.monotonic()
                self._run_node(name)
                self.seconds[name] = time.monotonic() - begin

    def order(self) -> Iterator[str]:
        """Yields the names of the nodes."""
        waiting, done = dict(self.spec["root"]["dag"]["tasks"]), set[str]()
        while waiting:
            ready = [name for name in waiting if done.issuperset(waiting[name].get("dependentTasks", ()))]
            assert ready, f"a cycle among {sorted(waiting)}"
            for name in sorted(ready):
                waiting.pop(name)
                done.add(name)
                yield name

    def artifact(self, node: str, key: str) -> Path:
        """Returns the folder of an output."""
        return Path(self.outputs[node][key]["uri"])

    def _run_node(self, name: str) -> None:
        component = self.spec["components"][self.spec["root"]["dag"]["tasks"][name]["componentRef"]["name"]]
        executor = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]
        if "importer" in executor:
            self._import(name, component, executor["importer"])
            return
        folder = self.folder / f"{name}_-{abs(hash((self.folder, name))):020d}"
        folder.mkdir(parents=True)
        given = self._executor_input(name, component, folder)
        container = executor["container"]
        hook = container.get("lifecycle", {}).get("preCacheCheck")
        if hook and self.hook:
            self._call(name, hook["command"], hook["args"], given, folder)
            found = json.loads((folder / "executor_output.json").read_text())
            for key, artifacts in found.get("artifacts", {}).items():
                _update(given["outputs"]["artifacts"][key]["artifacts"][0], artifacts["artifacts"][0])
        self._call(name, container["command"], container["args"], given, folder)
        produced = json.loads((folder / "executor_output.json").read_text()).get("artifacts", {})
        self.outputs[name] = {}
        for key, artifacts in given["outputs"]["artifacts"].items():
            (artifact,) = artifacts["artifacts"]
            self.outputs[name][key] = _update(artifact, produced[key]["artifacts"][0])

    def _import(self, name: str, component: Mapping[str, Any], importer: Mapping[str, Any]) -> None:
        uri = self._parameters(name)[importer["artifactUri"]["runtimeParameter"]]
        (key,) = component["outputDefinitions"]["artifacts"]
        self.outputs[name] = {key: {"name": f"{_STORE}/{abs(hash(uri))}", "uri": uri, "type": importer["typeSchema"]}}

    def _parameters(self, name: str) -> dict[str, Any]:
        values = self.job["runtimeConfig"]["parameterValues"]
        sources = self.spec["root"]["dag"]["tasks"][name].get("inputs", {}).get("parameters", {})
        return {
            key: values[source["componentInputParameter"]]
            if "componentInputParameter" in source
            else source["runtimeValue"]["constant"]
            for key, source in sources.items()
        }

    def _executor_input(self, name: str, component: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        sources = self.spec["root"]["dag"]["tasks"][name].get("inputs", {}).get("artifacts", {})
        inputs = {
            key: {
                "artifacts": [
                    self.outputs[source["taskOutputArtifact"]["producerTask"]][
                        source["taskOutputArtifact"]["outputArtifactKey"]
                    ]
                ]
            }
            for key, source in sources.items()
        }
        outputs = {
            key: {
                "artifacts": [
                    {
                        "name": f"{_STORE}/{abs(hash((str(folder), key)))}",
                        "uri": str(folder / key),
                        "type": output["artifactType"],
                        "metadata": dict(output.get("metadata", {})),
                    }
                ]
            }
            for key, output in component.get("outputDefinitions", {}).get("artifacts", {}).items()
        }
        return {
            "inputs": {"artifacts": inputs, "parameterValues": self._parameters(name)},
            "outputs": {"artifacts": outputs, "outputFile": str(folder / "executor_output.json")},
        }

    def _call(
        self, name: str, command: list[str], arguments: list[str], given: Mapping[str, Any], folder: Path
    ) -> None:
        words = [sys.executable if word == "python" else word for word in command]
        words += [json.dumps(given) if word == _EXECUTOR_INPUT else word for word in arguments]
        log, work = folder / "log.txt", folder / "work"
        work.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(work),
            "PYTHONPATH": str(ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }
        with log.open("ab") as stream:
            status = subprocess.run(
                words, stdout=stream, stderr=stream, cwd=work, env=environment, check=False, timeout=_NODE_SECONDS
            ).returncode
        if status:
            raise NodeFailedError(name, log.read_text(errors="replace"))


def _update(artifact: dict[str, Any], produced: Mapping[str, Any]) -> dict[str, Any]:
    """What the service keeps of an artifact after a node: its own name and type, and the URI and metadata produced."""
    artifact["uri"] = produced.get("uri", artifact["uri"])
    artifact["metadata"] = {**artifact.get("metadata", {}), **produced.get("metadata", {})}
    return artifact
