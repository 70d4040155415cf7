"""What a rehearsal and a local run left, held against each other: the same rows and code must give the same."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import tensorflow_model_analysis as tfma

from benchmarks.orchestrators import digest_content
from tests.pipelines.orchestration.vertex.rehearsal import ROOT, Rehearsal

# What is compared: name -> node and output that it is of.
COMPARED = {
    "examples": ("ExampleGen", "examples"),
    "schema": ("ImportSchemaGen", "schema"),
    "transformed examples": ("Transform", "transformed_examples"),
    "transform graph": ("Transform", "transform_graph"),
    "metrics": ("Evaluator", "evaluation"),
}


def run_here(var: Path, task: str, data: Path, train_steps: int) -> dict[str, Path]:
    """Runs the pipeline on this machine, and returns the folders of what is compared."""
    words = ["run", "--task", task, "--var", str(var), "--data", str(data), "--train-steps", str(train_steps)]
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    artifacts = var / "artifacts" / task.rpartition(".")[2]
    found = {}
    for name, (node, key) in COMPARED.items():
        (found[name],) = (artifacts / node / key).iterdir()
    return found


def of_rehearsal(run: Rehearsal) -> dict[str, Path]:
    """The folders of what is compared."""
    return {name: run.artifact(node, key) for name, (node, key) in COMPARED.items()}


def digest(folders: dict[str, Path]) -> dict[str, str]:
    """A digest of each, which is of what it says and not of how it is packed."""
    return {
        "examples": digest_content(folders["examples"], "Examples")[:12],
        "schema": digest_content(folders["schema"], "Schema")[:12],
        "transformed examples": digest_content(folders["transformed examples"], "Examples")[:12],
        "transform graph": digest_content(folders["transform graph"], "TransformGraph")[:12],
        "metrics": _digest_metrics(folders["metrics"]),
    }


def _digest_metrics(folder: Path) -> str:
    """Of every number of every slice, to six digits."""
    result = tfma.load_eval_result(str(folder))
    found = {
        str(key): {
            name: f"{float(value['doubleValue']):.6g}"
            for name, value in metrics[""][""].items()
            if "doubleValue" in value
        }
        for key, metrics in result.slicing_metrics
    }
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:12]
