"""Error answers of the gateway: RFC 9457 problem details.

::

    HTTP/1.1 422 Unprocessable Content
    Content-Type: application/problem+json

    {"title": "Unprocessable Content", "status": 422, "code": "invalid_rows",
     "detail": "row 0, fare: expected a number from 0 to 1000, received -1.", "request_id": "5f0c0a8e6b1d4f2c9a7e3b58",
     "errors": [{"row": 0, "field": "fare", "expected": "a number from 0 to 1000", "received": "-1"}]}
"""

import http
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic
import pydantic_core
from starlette.requests import Request
from starlette.responses import Response

# RFC 9110's names, which Python has from 3.13 on.
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}
MEDIA_TYPE = "application/problem+json"


class FieldProblem(pydantic.BaseModel):
    """A fault in one value of a request."""

    row: int = pydantic.Field(description="The row of the request, from 0.", examples=[0])
    field: str = pydantic.Field(description="The field of the row; empty for the row as a whole.", examples=["fare"])
    expected: str = pydantic.Field(examples=["a number from 0 to 1000"])
    received: str = pydantic.Field(examples=["-1"])
    line: int | None = pydantic.Field(default=None, description="The line, from 1, if a file was sent.", examples=[2])


class ProblemDetails(pydantic.BaseModel):
    """Why the request failed (RFC 9457)."""

    title: str = pydantic.Field(description="The status in words.", examples=["Unprocessable Content"])
    status: int = pydantic.Field(description="The HTTP status.", examples=[422])
    code: str = pydantic.Field(description="What happened, for programs.", examples=["invalid_rows"])
    detail: str = pydantic.Field(description="What happened, for people.")
    request_id: str = pydantic.Field(description="The X-Request-ID of the answer, which the log contains, too.")
    errors: list[FieldProblem] = pydantic.Field(default=[], description="Faults in fields, at most 50.")


class ProblemError(Exception):
    """End the request with an error answer. The arguments are attributes, too.

    Args:
        status: the HTTP status.
        code: what happened, for programs.
        detail: what happened, for people.
        errors: faults in fields.
        headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})


def answer(problem: ProblemError, request_id: str) -> Response:
    """Return a problem as an HTTP answer."""
    content: dict[str, Any] = {
        "title": _PHRASES.get(problem.status) or http.HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "request_id": request_id,
    }
    if problem.errors:
        content["errors"] = [error.model_dump(exclude_none=True) for error in problem.errors]
    body = pydantic_core.to_json(content)
    return Response(body, problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


def answer_to(request: Request, problem: ProblemError) -> Response:
    """Return a problem as the answer to a request, and add its code to the request's log line."""
    request.state.log_fields["code"] = problem.code
    return answer(problem, request.state.request_id)
