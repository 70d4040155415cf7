import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from serving.gateway.direct_routes import DirectRoutes
from serving.gateway.problems import ProblemError


async def framework(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("framework")(scope, receive, send)


async def echo(request: Request) -> Response:
    return PlainTextResponse(b"direct " + await request.body())


async def refuse(request: Request) -> Response:
    raise ProblemError(422, "invalid_rows", "row 0 is none")


async def fail(request: Request) -> Response:
    raise RuntimeError("a fault of ours")


def ask(method: str, path: str) -> tuple[int, bytes, dict[str, object]]:
    """Status, body, and what the log is told."""
    log_fields: dict[str, object] = {}
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": []}
    scope["state"] = {"log_fields": log_fields, "request_id": "7"}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"trip", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    routes = {"/v1/tip": echo, "/v1/refused": refuse, "/v1/failing": fail}
    asyncio.run(DirectRoutes(framework, routes)(scope, receive, send))
    return sent[0]["status"], sent[1]["body"], log_fields


def test_a_post_of_a_route_goes_to_its_endpoint() -> None:
    assert ask("POST", "/v1/tip") == (200, b"direct trip", {})


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/tip"), ("POST", "/v1/tip/"), ("POST", "/v1/feedback")])
def test_everything_else_is_the_frameworks(method: str, path: str) -> None:
    assert ask(method, path) == (200, b"framework", {})


def test_a_problem_is_answered_and_the_log_knows_its_code() -> None:
    status, body, log_fields = ask("POST", "/v1/refused")
    assert (status, log_fields) == (422, {"code": "invalid_rows"})
    assert b'"detail":"row 0 is none","request_id":"7"' in body


def test_a_fault_is_left_to_the_layer_that_answers_faults() -> None:
    with pytest.raises(RuntimeError, match="a fault of ours"):
        ask("POST", "/v1/failing")
