"""Rehearses a compiled KFP pipeline on this machine: every container's command is a process, in the order of the DAG.

A process gets the arguments and the environment that a backend of Kubeflow Pipelines would give it: parameters of the
pipeline go down through its DAGs, a placeholder becomes the value of its input, numbers pass through doubles, what
Secrets hold is in the environment, and nothing else of this process' environment but where programs are. A volume is a
folder. No image is needed: the command finds this checkout where a container finds the image's working directory.
"""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.runs.project import SOURCE

SUCCEEDED, FAILED, SKIPPED = "succeeded", "failed", "skipped"
JOB = "0b1c7a52-6a4c-4d5e-9a53-0c3f9a1b2c3d"
_ANY_END = "ALL_UPSTREAM_TASKS_COMPLETED"
_PLACEHOLDER = re.compile(r"\{\{\$\.(inputs|outputs)\.(parameters|artifacts)\['([^']+)'\](?:\.(path|uri))?\}\}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ended:
    """How a task ended."""

    state: str
    tries: int = 0
    status: int = 0  # of the last try
    seconds: float = 0.0
    said: str = ""  # standard output and error, of all tries
    command: tuple[str, ...] = ()
    artifacts: Mapping[str, Path] = dataclasses.field(default_factory=dict)  # those that it wrote, if it succeeded


class Rehearsal:
    """One job of a compiled pipeline."""

    def __init__(
        self,
        file: Path,
        volume: Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        secrets: Mapping[tuple[str, str], str] | None = None,
        job: str = JOB,
        only: Collection[str] | None = None,
        tries: int | None = None,
        programs: Path | None = None,
    ):
        """Reads the pipeline.

        Args:
            file: the YAML.
            volume: the folder that is mounted.
            parameters: those that differ from their defaults.
            secrets: (Secret, key) -> value.
            job: the job's id.
            only: the names of the tasks to run; None: all. The others are skipped.
            tries: of a task at most, where there is no time for as many as the pipeline says.
            programs: the folder of `python`; None: of this one.
        """
        self._spec, platform = yaml.safe_load_all(file.read_text())
        self._executors = self._spec["deploymentSpec"]["executors"]
        self._platform = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        self._volume = volume
        self._secrets = dict(secrets or {})
        self._given = dict(parameters or {})
        self._job = job
        self._only = only
        self._tries = tries
        self._programs = programs or Path(sys.executable).parent
        self.ended: dict[str, Ended] = {}

    def run(self) -> bool:
        """Runs the job, and tells whether it succeeded: `ended` has what became of each task, by its shown name."""
        known = self._spec["root"]["inputDefinitions"]["parameters"]
        unknown = set(self._given) - set(known)
        assert not unknown, f"the pipeline has no parameters {unknown}"
        values = {name: self._given.get(name, one.get("defaultValue")) for name, one in known.items()}
        return self._run_dag(self._spec["root"]["dag"], values)

    def _run_dag(self, dag: dict[str, Any], values: Mapping[str, Any]) -> bool:
        tasks, states = dag["tasks"], {}
        while len(states) < len(tasks):
            name = next(
                one
                for one in sorted(tasks)
                if one not in states and set(tasks[one].get("dependentTasks", ())) <= set(states)
            )
            task = tasks[name]
            due = all(states[before] == SUCCEEDED for before in task.get("dependentTasks", ()))
            if due or task.get("triggerPolicy", {}).get("strategy") == _ANY_END:
                states[name] = self._run_task(name, task, values)
            else:
                states[name] = self._skip(task)
        return FAILED not in states.values() and SKIPPED not in states.values()

    def _run_task(self, name: str, task: dict[str, Any], values: Mapping[str, Any]) -> str:
        component = self._spec["components"][task["componentRef"]["name"]]
        inputs = {key: self._input(one, values) for key, one in task.get("inputs", {}).get("parameters", {}).items()}
        if "dag" in component:
            return SUCCEEDED if self._run_dag(component["dag"], inputs) else FAILED
        shown = task["taskInfo"]["name"]
        if self._only is not None and shown not in self._only:
            return self._skip(task)
        defined = component["inputDefinitions"]["parameters"]
        assert set(inputs) == set(defined), f"{shown}: {set(inputs) ^ set(defined)}"
        outputs = {key: self._volume.parent / "outputs" / name / key for key in _artifacts(component)}
        for path in outputs.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        self.ended[shown] = ended = self._start(component["executorLabel"], task, inputs, outputs)
        return ended.state

    def _start(self, label: str, task: dict[str, Any], inputs: Mapping[str, Any], outputs: Mapping[str, Path]) -> Ended:
        container = self._executors[label]["container"]
        words = [*container["command"], *container["args"]]
        command = [self._on_volume(label, _fill(word, inputs, outputs)) for word in words]
        environment = self._environment(label, container)
        said: list[str] = []
        began = time.monotonic()
        most = 1 + task.get("retryPolicy", {}).get("maxRetryCount", 0)
        while len(said) < min(most, self._tries or most):
            done = subprocess.run(
                [shutil.which(command[0], path=environment["PATH"]) or command[0], *command[1:]],
                cwd=SOURCE,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            said.append(done.stdout)
            if done.returncode == 0:
                break
        return Ended(
            state=FAILED if done.returncode else SUCCEEDED,
            tries=len(said),
            status=done.returncode,
            seconds=time.monotonic() - began,
            said="".join(said),
            command=tuple(command),
            artifacts={} if done.returncode else {key: path for key, path in outputs.items() if path.exists()},
        )

    def _input(self, source: dict[str, Any], values: Mapping[str, Any]) -> Any:
        """A backend resolves the job's placeholders where they are the whole constant, and nowhere else."""
        if "componentInputParameter" in source:
            return values[source["componentInputParameter"]]
        constant = source["runtimeValue"]["constant"]
        return self._job if constant == "{{$.pipeline_job_uuid}}" else constant

    def _on_volume(self, label: str, word: str) -> str:
        for mount in self._platform[label]["pvcMount"]:
            word = word.replace(mount["mountPath"], str(self._volume))
        return word

    def _environment(self, label: str, container: dict[str, Any]) -> dict[str, str]:
        told = {"PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(self._volume.parent)}
        told |= {one["name"]: one["value"] for one in container.get("env", ())}
        for secret in self._platform[label].get("secretAsEnv", ()):
            for one in secret["keyToEnv"]:
                told[one["envVar"]] = self._secrets[secret["secretName"], one["secretKey"]]
        return told

    def _skip(self, task: dict[str, Any]) -> str:
        component = self._spec["components"][task["componentRef"]["name"]]
        if "dag" not in component:
            self.ended[task["taskInfo"]["name"]] = Ended(state=SKIPPED)
        return SKIPPED


def _artifacts(component: dict[str, Any]) -> list[str]:
    return list(component.get("outputDefinitions", {}).get("artifacts", ()))


def _fill(word: str, inputs: Mapping[str, Any], outputs: Mapping[str, Path]) -> str:
    """Puts values in the place of placeholders. A protobuf Struct has no whole numbers, only doubles."""

    def value(found: re.Match[str]) -> str:
        side, kind, name, _ = found.groups()
        if (side, kind) == ("outputs", "artifacts"):
            return str(outputs[name])
        assert (side, kind) == ("inputs", "parameters"), found[0]
        one = inputs[name]
        if isinstance(one, str):
            return one
        if isinstance(one, bool):
            return json.dumps(one)
        return str(int(one)) if float(one).is_integer() else repr(float(one))

    filled = _PLACEHOLDER.sub(value, word)
    assert "{{$" not in filled, f"{word}: no backend knows this placeholder"
    return filled
