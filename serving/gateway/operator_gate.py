"""Middleware that keeps strangers from pages that are for the people who run the gateway."""

from collections.abc import Collection

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.gateway import problems
from serving.gateway.admission import Admission
from serving.gateway.problems import ProblemError


class OperatorGate:
    """ASGI middleware inside RequestObserver, which logs what is refused here.

    Args:
        app: the application.
        admission: knows the keys and the operators' port.
        paths: what strangers may not see.
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
