"""Describe the environment of a run: versions, and digests of code, contract and data."""

from typing import Any

from pipelines.runs import Run
from pipelines.runs.errors import read_optional


def describe_environment(run: Run) -> dict[str, Any]:
    """Return the content of the section: versions, digests, and the nodes' parameters."""
    lineage = read_optional(run.lineage)
    digests = {"code of the task and the components": run.summary["source_digest"]}
    if lineage:
        digests |= {"contract": lineage.contract} | {f"code of {node}": code for node, code in lineage.code.items()}
        if lineage.data:
            digests["data"] = lineage.data.fingerprint
    return {
        "stack": run.summary["stack"],
        "digests": {name: digest for name, digest in digests.items() if digest},
        "task_files": run.summary["task_files"],
        "parameters": read_optional(lambda: run.parameters) or {},
        "directory": str(run.directory),
    }
