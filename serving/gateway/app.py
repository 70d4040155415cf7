"""Build the application: connect its parts and add its routes."""

import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import fastapi
import prometheus_client
import pydantic
from fastapi.security import APIKeyHeader
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from serving.gateway import api_description, problems, readiness, task_routes
from serving.gateway.admission import Admission
from serving.gateway.api_keys import HEADER, ApiKeys
from serving.gateway.direct_routes import DirectRoutes
from serving.gateway.metrics import Exposition, GatewayMetrics
from serving.gateway.operator_gate import OperatorGate
from serving.gateway.page import render, task_list
from serving.gateway.problems import ProblemError
from serving.gateway.rate_limit import RateLimit, RequestCounter
from serving.gateway.request_observer import REQUEST_ID_HEADER, RequestObserver
from serving.gateway.served_task import ServedTask
from serving.gateway.settings import CorsSettings, GatewaySettings
from serving.tracing.factory import make_tracer
from serving.tracing.tracer import Tracer

METRICS = "/metrics"
_PAGE_FILES = Path(__file__).parent / "page" / "files"


def create_app(
    settings: GatewaySettings | Sequence[GatewaySettings], environ: Mapping[str, str] = os.environ
) -> fastapi.FastAPI:
    """Build the application. It connects to the model servers with its first requests.

    Args:
        settings: of one task, or of several. Settings of the whole gateway are taken from the first;
            serving.gateway.several_tasks checks that they are equal in all.
        environ: holds the API keys.

    Returns:
        The application.

    Raises:
        ContractError: A contract cannot be used.
        ValueError: API keys, a traffic file, Redis' address, the sticky setting, the request log's columns, feedback, a
            certificate or tracing cannot be used.
        OSError: A file cannot be read.
    """
    every = [settings] if isinstance(settings, GatewaySettings) else list(settings)
    whole, several = every[0], len(every) > 1
    metrics = GatewayMetrics()
    keys = ApiKeys(environ, whole.keys.file)
    rate_limit = _make_rate_limit(every, environ, metrics)
    admission = Admission(keys, rate_limit, whole.listen.operator_port)
    tracer = make_tracer(whole.tracing.endpoint, "gateway", whole.tracing.sample_rate) if whole.tracing else Tracer()
    tasks = [ServedTask(each, admission, tracer, each.row_name if several else "") for each in every]

    @contextlib.asynccontextmanager
    async def lifespan(_: fastapi.FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:  # closes each part, even if closing another fails
            stack.callback(tracer.close)
            stack.push_async_callback(rate_limit.close)
            for task in tasks:
                stack.push_async_callback(task.close)
            await rate_limit.start()
            yield

    app = FastAPIOffline(
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        title=task_list.TITLE if several else whole.title,
        description=task_list.describe(every) if several else whole.description,
        version="1",
        openapi_url=api_description.DESCRIPTION,
        lifespan=lifespan,
    )
    security = [fastapi.Security(APIKeyHeader(name=HEADER, auto_error=False))] if keys.needed else []
    models: list[type[pydantic.BaseModel]] = [problems.ProblemDetails]
    for task in tasks:
        models += task_routes.add_task(app, task, security, alone=not several)
    _add_pages(app, tasks, keys)
    readiness.add_probes(app, tasks, admission)
    exposition = Exposition(metrics, {task.settings.endpoint: task.metrics for task in tasks})

    @app.get(METRICS, include_in_schema=False)
    async def scrape() -> Response:
        text = prometheus_client.generate_latest(exposition)
        return Response(text, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST})

    api_description.add_schemas(app, *models)
    app.state.metrics = metrics
    app.add_exception_handler(ProblemError, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    # The middleware that is added last handles a request first.
    app.add_middleware(DirectRoutes, routes={task.settings.route: task.prediction.answer for task in tasks})
    app.add_middleware(
        OperatorGate, admission=admission, paths=[METRICS, api_description.DOCS, api_description.DESCRIPTION]
    )
    if whole.cors.origins:
        _allow_origins(app, whole.cors, sorted({header for task in tasks for header in task.sticky_headers}))
    app.add_middleware(
        RequestObserver, metrics=metrics, routes=[route.path for route in app.routes if hasattr(route, "path")]
    )
    if whole.tracing:
        app.add_middleware(tracer.around)
    return app


def _make_rate_limit(
    tasks: Sequence[GatewaySettings], environ: Mapping[str, str], metrics: GatewayMetrics
) -> RequestCounter:
    limits = tasks[0].limits
    local = RateLimit(limits.requests_per_second)
    # no limit: nothing to count, and no Redis whose failure would be reported
    if limits.redis is None or not local.per_second:
        return local
    from serving.gateway.shared_rate_limit import SharedRateLimit  # import late: a single gateway needs no Redis client

    prefix = limits.redis.prefix or f"gateway:{'+'.join(sorted(task.endpoint for task in tasks))}"
    return SharedRateLimit(local, limits.redis, prefix=prefix, environ=environ, metrics=metrics)


def _add_pages(app: fastapi.FastAPI, tasks: Sequence[ServedTask], keys: ApiKeys) -> None:
    every = [task.settings for task in tasks] if len(tasks) > 1 else []
    pages = {
        task.settings.endpoint: render.page(task.settings, task.contract, key_needed=keys.needed, tasks=every)
        for task in tasks
    }
    docs = api_description.docs_page(app.title)
    if len(tasks) == 1:
        (first,) = pages.values()
    else:
        first = task_list.page(every)
        for endpoint, page in pages.items():
            _add_page(app, f"/{endpoint}", page)
    _add_page(app, "/", first)

    @app.get(api_description.DOCS, include_in_schema=False)
    async def documentation() -> Response:
        return docs

    app.mount("/page", StaticFiles(directory=_PAGE_FILES), name="page")


def _add_page(app: fastapi.FastAPI, path: str, page: str) -> None:
    @app.get(path, include_in_schema=False)
    async def form() -> Response:
        return HTMLResponse(page)


def _allow_origins(app: fastapi.FastAPI, cors: CorsSettings, headers: list[str]) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=cors.origins,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["Content-Type", HEADER, REQUEST_ID_HEADER, *headers],
        expose_headers=[REQUEST_ID_HEADER, "Retry-After", "Server-Timing"],
        max_age=cors.max_age_seconds,
    )


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return problems.answer_to(request, error)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer the router's own errors: 404 and 405."""
    assert isinstance(error, HTTPException)
    method, path = request.method, request.url.path[:200]
    details = {
        404: ("not_found", f"There is nothing at {path}."),
        405: ("method_not_allowed", f"{path} does not take {method}: expected {(error.headers or {}).get('Allow')}."),
    }
    code, detail = details.get(error.status_code, ("refused", str(error.detail)))
    problem = ProblemError(error.status_code, code, detail, headers=error.headers)
    return problems.answer(problem, request.state.request_id)
