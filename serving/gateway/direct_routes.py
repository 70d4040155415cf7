"""Call a route's endpoint without the framework's layers, which cost a third of a request's time.

FastAPI's own route remains: it describes the endpoint in OpenAPI, and answers methods other than POST.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.gateway import problems
from serving.gateway.problems import ProblemError

Endpoint = Callable[[Request], Awaitable[Response]]


class DirectRoutes:
    """ASGI middleware, the innermost one.

    Args:
        app: the application.
        routes: the endpoints that answer POST, by path. An endpoint reads and checks its request itself, and raises
            ProblemError.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[str, Endpoint]):
        self._app = app
        self._routes = dict(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of one of the routes; pass on all others."""
        endpoint = self._routes.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except ProblemError as problem:
            response = problems.answer_to(request, problem)
        await response(scope, receive, send)
