"""Probes: /healthz tells whether the gateway runs, /readyz whether models answer that fit their contracts."""

import asyncio
from collections.abc import Sequence
from typing import Any

import fastapi
from starlette.requests import Request

from serving.gateway import api_description
from serving.gateway.admission import Admission
from serving.gateway.model_errors import ModelError
from serving.gateway.problems import ProblemError
from serving.gateway.served_task import ServedTask
from serving.gateway.version_router import RouteTarget

_READY, _NO_MODEL = "ready", "no_model"


def add_probes(app: fastapi.FastAPI, tasks: Sequence[ServedTask], admission: Admission) -> None:
    """Add the routes of the probes.

    A gateway of several tasks is ready while at least one of them has a model: otherwise one missing model would stop
    all tasks. The answer lists the tasks that have one.

    Args:
        app: the application.
        tasks: all tasks of the gateway.
        admission: checks who may see model versions.
    """

    @app.get("/healthz", tags=["operation"], operation_id="get_health", summary="Whether the gateway runs")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/readyz",
        tags=["operation"],
        operation_id="get_readiness",
        summary="Whether a model answers that fits the contract",
        responses=api_description.readiness_responses(),
    )
    async def readyz(request: Request) -> dict[str, Any]:
        # at the same time: time-outs of several servers do not add up
        targets = await asyncio.gather(*(_target(task, request) for task in tasks))
        found = {task.settings.endpoint: target for task, target in zip(tasks, targets, strict=True)}
        if not any(found.values()):
            retry_after = {"Retry-After": str(tasks[0].settings.model.retry_after_seconds)}
            raise ProblemError(
                503, "no_model", "No model answers that fits the contract; the log says why.", headers=retry_after
            )
        try:
            await admission.admit_operator(request)
            is_operator = True
        except ProblemError:  # callers without a key, such as a load balancer's probe, learn only that a model answers
            is_operator = False
        told = {endpoint: _describe(target, is_operator) for endpoint, target in found.items()}
        if len(tasks) == 1:
            return told[tasks[0].settings.endpoint]
        return {"status": _READY, "tasks": told}


async def _target(task: ServedTask, request: Request) -> RouteTarget | None:
    """Return the task's target; None if no model answers, and add the reason to the log line."""
    try:
        return await task.router.target(canary=False)
    except ModelError as error:
        errors = request.state.log_fields.get("model_error")
        said = f"{task.settings.endpoint}: {error}" if errors or task.prefix else str(error)
        request.state.log_fields["model_error"] = f"{errors}; {said}" if errors else said
        return None


def _describe(target: RouteTarget | None, is_operator: bool) -> dict[str, Any]:
    if target is None:
        return {"status": _NO_MODEL}
    return {"status": _READY} | ({"model_version": target.version, "model_label": target.label} if is_operator else {})
