"""Add the routes of one task: predictions, explanations and outcomes."""

from typing import Any

import fastapi
import pydantic
from starlette.responses import JSONResponse, PlainTextResponse

from serving.gateway import api_description
from serving.gateway.csv_prediction import CsvPredictionEndpoint
from serving.gateway.explanation import explanation_model
from serving.gateway.feedback import FeedbackEndpoint
from serving.gateway.prediction import TOP_K
from serving.gateway.responses import response_model
from serving.gateway.served_task import ServedTask
from serving.gateway.settings import FEEDBACK_ROUTE
from serving.problem import BINARY, MULTICLASS


def add_task(
    app: fastapi.FastAPI, task: ServedTask, security: list[Any], *, alone: bool
) -> list[type[pydantic.BaseModel]]:
    """Add the routes of a task.

    Args:
        app: the application.
        task: to add.
        security: FastAPI dependencies of the routes.
        alone: whether it is the gateway's only task: then outcomes are also taken at FEEDBACK_ROUTE.

    Returns:
        The types of the routes' bodies, which the API's description must define.
    """
    settings, rows = task.settings, task.rows
    summary, description = _describe(task)
    app.add_api_route(
        settings.route,
        task.prediction.answer,
        methods=["POST"],
        tags=["prediction"],
        operation_id=f"predict_{settings.operation}",
        summary=summary,
        description=description,
        response_class=JSONResponse,
        responses=api_description.responses(response_model(task.target, task.prefix)),
        openapi_extra={
            **api_description.request_body(
                rows.model,
                task.contract.example,
                [feature.name for feature in task.contract.features if feature.asked],
            ),
            **(api_description.top_k_parameter(TOP_K, task.target.width) if task.target.problem == MULTICLASS else {}),
        },
        dependencies=security,
    )
    models = [rows.model]
    _add_csv(app, task, security)
    if task.explanation:
        _add_explanation(app, task, security)
    if task.feedback:
        for route in (FEEDBACK_ROUTE, settings.feedback_route) if alone else (settings.feedback_route,):
            name = "feedback" if route == FEEDBACK_ROUTE else f"feedback_{settings.operation}"
            _add_feedback(app, route, task.feedback, security, f"give_{name}")
        models.append(task.feedback.rows.model)
    return models


def _describe(task: ServedTask) -> tuple[str, str]:
    """Return summary and description of the route for predictions."""
    settings, target = task.settings, task.target
    if target.problem == BINARY:
        return (
            f"The probability of {settings.probability_of}",
            f"`decision` is whether the probability is at least {settings.threshold:g}.",
        )
    if target.problem == MULTICLASS:
        return f"{target.title}: one of {target.width} classes", "`decision` is the most probable class."
    return f"{target.title}: a number", f"`value` is in {target.unit}." if target.unit else ""


def _add_csv(app: fastapi.FastAPI, task: ServedTask, security: list[Any]) -> None:
    endpoint = CsvPredictionEndpoint(
        task.settings, task.target, rows=task.rows, prediction=task.prediction, tracer=task.tracer
    )
    app.add_api_route(
        task.settings.csv_route,
        endpoint.answer,
        methods=["POST"],
        tags=["prediction"],
        operation_id=f"predict_{task.settings.operation}_csv",
        summary="Predictions for the rows of a CSV file",
        description="The answer is the file with added columns, or a refusal that names the invalid lines.",
        response_class=PlainTextResponse,
        responses=api_description.csv_responses(),
        openapi_extra=api_description.csv_body(),
        dependencies=security,
    )


def _add_explanation(app: fastapi.FastAPI, task: ServedTask, security: list[Any]) -> None:
    assert task.explanation
    app.add_api_route(
        task.settings.explanation_route,
        task.explanation.answer,
        methods=["POST"],
        tags=["prediction"],
        operation_id=f"explain_{task.settings.operation}",
        summary="The contribution of each field to the prediction of one row",
        description="Sampled Shapley values against background rows; base and contributions add up to the prediction.",
        response_class=JSONResponse,
        responses=api_description.explanation_responses(explanation_model(task.target, task.prefix)),
        openapi_extra=api_description.one_row_body(task.rows.model, task.contract.example),
        dependencies=security,
    )


def _add_feedback(
    app: fastapi.FastAPI, route: str, feedback: FeedbackEndpoint, security: list[Any], operation_id: str
) -> None:
    app.add_api_route(
        route,
        feedback.answer,
        methods=["POST"],
        tags=["feedback"],
        operation_id=operation_id,
        summary="Outcomes of predicted rows",
        description="Each outcome is stored once or refused with a reason; nothing is overwritten.",
        response_class=JSONResponse,
        responses=api_description.feedback_responses(),
        openapi_extra=api_description.request_body(
            feedback.rows.model, feedback.rows.contract.example, list(feedback.rows.contract.example)
        ),
        dependencies=security,
    )
