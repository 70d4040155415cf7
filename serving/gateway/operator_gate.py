"""Restrict operators' pages to callers with a key, or to the operators' port."""

from collections.abc import Collection

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.gateway import problems
from serving.gateway.admission import Admission
from serving.gateway.problems import ProblemError


class OperatorGate:
    """ASGI middleware inside RequestObserver, which logs the refusals.

    Args:
        app: the application.
        admission: knows the keys and the operators' port.
        paths: the restricted paths.
    """

    def __init__(self, app: ASGIApp, admission: Admission, paths: Collection[str]):
        self._app = app
        self._admission = admission
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 401 or 429."""
        if scope["type"] == "http" and scope["path"] in self._paths:
            request = Request(scope)
            try:
                await self._admission.admit_operator(request)
            except ProblemError as problem:
                await problems.answer_to(request, problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)
