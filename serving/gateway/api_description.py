"""Describe the API in OpenAPI, and show it on a page; both work without the internet."""

import base64
import hashlib
import re
from typing import Any

import fastapi
import pydantic
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from serving.gateway.feedback import FeedbackResponse
from serving.gateway.problems import MEDIA_TYPE, ProblemDetails

DOCS = "/docs"
DESCRIPTION = "/openapi.json"
ASSETS = "/static-offline-docs"  # path of Swagger UI's files, set by fastapi_offline

_PROBLEMS = {
    400: "The body is not JSON.",
    401: "No valid API key.",
    408: "The body did not arrive in time.",
    413: "The body is too large, or has too many rows.",
    415: "The Content-Type is not JSON.",
    422: "Rows do not fit the contract (`errors` names row and field), or a query parameter is invalid.",
    429: "Too many requests; `Retry-After` says when to try again.",
    500: "The gateway failed.",
    502: "The model server's answer could not be used.",
    503: "No model answers; `Retry-After` says when to try again.",
    504: "The model did not answer in time.",
}


_CSV_PROBLEMS = {
    400: "The body is not CSV in UTF-8.",
    413: "The file is too large, or has too many rows.",
    415: "The Content-Type is not CSV.",
    422: "Columns or rows do not fit the contract; `errors` names line and column.",
}

_FEEDBACK_PROBLEMS = {status: _PROBLEMS[status] for status in (400, 401, 408, 413, 415, 429, 500)} | {
    403: "The requests were made with another API key.",
    404: "The request, or the row of it, is unknown.",
    409: "The outcome is known already, with this value or another; or the id belongs to no single answered request.",
    410: "The requests are too old.",
    422: "Outcomes do not fit the contract, or were all refused for different reasons; `errors` says which.",
    503: "Feedback cannot be stored at the moment; `Retry-After` says when to try again.",
}


def responses(answer: type[pydantic.BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the answers of the prediction route, for FastAPI's route decorator."""
    return {200: {"model": answer}, **_describe(_PROBLEMS)}


def csv_responses() -> dict[int | str, dict[str, Any]]:
    """Return the answers of the route for CSV files."""
    words = "The file, with added columns: the predictions, `model_version`, `request_id`, `request_row`."
    file = {200: {"description": words, "content": {"text/csv": {"schema": {"type": "string"}}}}}
    return file | _describe(_PROBLEMS | _CSV_PROBLEMS)


def csv_body() -> dict[str, Any]:
    """Describe the body of the route for CSV files, for FastAPI's `openapi_extra`."""
    words = "UTF-8, the columns' names in the first line; separated by commas, semicolons, tabs or vertical bars."
    content = {"text/csv": {"schema": {"type": "string", "description": words}}}
    return {"requestBody": {"required": True, "content": content}}


def readiness_responses() -> dict[int | str, dict[str, Any]]:
    """Return the answers of the readiness probe."""
    return _describe({503: _PROBLEMS[503]})


def explanation_responses(answer: type[pydantic.BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the answers of the route for explanations."""
    busy = {503: "No model answers, or other rows are being explained; `Retry-After` says when to try again."}
    return {200: {"model": answer}, **_describe(_PROBLEMS | busy)}


def feedback_responses() -> dict[int | str, dict[str, Any]]:
    """Return the answers of the route for outcomes."""
    return {200: {"model": FeedbackResponse}, **_describe(_FEEDBACK_PROBLEMS)}


def _describe(problems: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    reference = {"schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}}
    return {status: {"description": words, "content": {MEDIA_TYPE: reference}} for status, words in problems.items()}


def request_body(row: type[pydantic.BaseModel], example: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """Describe the body of the prediction route, for FastAPI's `openapi_extra`.

    Args:
        row: the type of one row.
        example: one row.
        required: names of the required fields.

    Returns:
        A part of an OpenAPI operation.
    """
    reference = {"$ref": f"#/components/schemas/{row.__name__}"}
    content: dict[str, Any] = {
        "schema": {"oneOf": [reference, {"type": "array", "items": reference, "minItems": 1}]},
    }
    if example:
        least = {name: example[name] for name in required}
        content["examples"] = {
            "one": {"summary": "One row", "value": example},
            "several": {"summary": "Several rows; the second has only the required fields", "value": [example, least]},
        }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def top_k_parameter(name: str, classes: int) -> dict[str, Any]:
    """Describe the query parameter of a multiclass task, for FastAPI's `openapi_extra`."""
    schema = {"type": "integer", "minimum": 1, "maximum": classes}
    words = "The number of classes in the answer, the most probable first; all if left out."
    return {"parameters": [{"name": name, "in": "query", "required": False, "description": words, "schema": schema}]}


def one_row_body(row: type[pydantic.BaseModel], example: dict[str, Any]) -> dict[str, Any]:
    """Describe the body of a route that takes one row, for FastAPI's `openapi_extra`."""
    content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{row.__name__}"}}
    if example:
        content["example"] = example
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def add_schemas(app: fastapi.FastAPI, *models: type[pydantic.BaseModel]) -> None:
    """Add schemas that routes refer to by name; FastAPI does not know them, because the gateway reads bodies itself."""
    describe = app.openapi

    def with_schemas() -> dict[str, Any]:
        description = describe()
        schemas = description.setdefault("components", {}).setdefault("schemas", {})
        _, definitions = pydantic.json_schema.models_json_schema(
            [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
        )
        schemas.update(definitions["$defs"])
        return description

    app.openapi = with_schemas  # type: ignore[method-assign]  # FastAPI's documented way to extend the description


def docs_page(title: str) -> HTMLResponse:
    """Return Swagger UI's page, with a policy that allows its one inline script by its hash."""
    page = get_swagger_ui_html(
        openapi_url=DESCRIPTION.removeprefix("/"),
        title=title,
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js".removeprefix("/"),
        swagger_css_url=f"{ASSETS}/swagger-ui.css".removeprefix("/"),
        swagger_favicon_url="page/icon.svg",
    )
    scripts = re.findall(rb"<script>(.*?)</script>", bytes(page.body), re.DOTALL)
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'" for script in scripts)
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return page
