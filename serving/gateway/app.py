"""The application: its parts put together, and its routes."""

import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import fastapi
import prometheus_client
import pydantic
from fastapi.security import APIKeyHeader
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from serving import contract as contracts
from serving.feedback.label import outcome_contract, read_label
from serving.feedback.store import FeedbackStore
from serving.gateway import api_description, problems
from serving.gateway.admission import Admission
from serving.gateway.api_keys import HEADER, ApiKeys
from serving.gateway.explanation import ExplanationEndpoint
from serving.gateway.feedback import FeedbackEndpoint
from serving.gateway.metrics import GatewayMetrics
from serving.gateway.model_errors import ModelError
from serving.gateway.operator_gate import OperatorGate
from serving.gateway.page import render
from serving.gateway.predict_client import PredictClient
from serving.gateway.prediction import PredictionEndpoint
from serving.gateway.predictor import Predictor
from serving.gateway.problems import ProblemError
from serving.gateway.rate_limit import RateLimit, RequestCounter
from serving.gateway.request_observer import REQUEST_ID_HEADER, RequestObserver
from serving.gateway.row_validator import RowValidator
from serving.gateway.settings import FEEDBACK_ROUTE, CorsSettings, GatewaySettings
from serving.gateway.sticky import StickyKey
from serving.gateway.traffic_split import TrafficSplit
from serving.gateway.version_router import VersionRouter
from serving.request_log.pending import PendingRequests
from serving.request_log.writer import RequestLog

METRICS = "/metrics"
_PAGE_FILES = Path(__file__).parent / "page" / "files"


def create_app(settings: GatewaySettings, environ: Mapping[str, str] = os.environ) -> fastapi.FastAPI:
    """Makes the application; it connects to the model server with its first request.

    Raises:
        ContractError: The contract cannot be used.
        ValueError: API keys, the traffic file, Redis' address, what is sticky, the request log's columns or feedback
            cannot be used.
        OSError: A file cannot be read.
    """
    contract = contracts.read(settings.contract)
    metrics = GatewayMetrics()
    rows = RowValidator(contract, settings.row_name, settings.limits.rows)
    keys = ApiKeys(environ, settings.keys.file)
    traffic = TrafficSplit(settings.traffic, salt=settings.model.name)
    sticky = StickyKey.parse(settings.sticky, contract) if settings.sticky else None
    server = PredictClient(settings.model, contract, metrics)
    routing = VersionRouter(server, settings.model, metrics)
    rate_limit = _make_rate_limit(settings, environ, metrics)
    admission = Admission(keys, rate_limit, settings.listen.operator_port)
    pending = PendingRequests() if settings.feedback else None
    request_log = (
        RequestLog(settings.request_log, contract, registry=metrics.registry, pending=pending)
        if settings.request_log
        else None
    )
    predictor = Predictor(server, routing, settings.model)
    explanation = (
        ExplanationEndpoint(settings, settings.explanation, rows=rows, admission=admission, predictor=predictor)
        if settings.explanation
        else None
    )
    feedback = _make_feedback(settings, contract, admission, metrics, pending)
    endpoint = PredictionEndpoint(
        settings,
        rows=rows,
        admission=admission,
        traffic=traffic,
        sticky=sticky,
        predictor=predictor,
        metrics=metrics,
        request_log=request_log,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: fastapi.FastAPI) -> AsyncIterator[None]:
        await rate_limit.start()
        try:
            yield
        finally:
            await server.close()
            await rate_limit.close()
            if request_log:
                request_log.close()
            if feedback:
                feedback.close()

    app = FastAPIOffline(
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        title=settings.title,
        description=settings.description,
        version="1",
        openapi_url=api_description.DESCRIPTION,
        lifespan=lifespan,
    )
    security = [fastapi.Security(APIKeyHeader(name=HEADER, auto_error=False))] if keys.needed else []
    app.add_api_route(
        settings.route,
        endpoint.answer,
        methods=["POST"],
        tags=["prediction"],
        summary=f"The probability of {settings.probability_of}",
        description=f"`decision` is whether the probability is at least {settings.threshold:g}.",
        response_class=JSONResponse,
        responses=api_description.responses(),
        openapi_extra=api_description.request_body(
            rows.model, contract.example, [feature.name for feature in contract.features if feature.required]
        ),
        dependencies=security,
    )
    models: list[type[pydantic.BaseModel]] = [rows.model, problems.ProblemDetails]
    if explanation:
        _add_explanation(app, explanation, settings, rows, security)
    if feedback:
        models.append(_add_feedback(app, feedback, security))
    _add_pages(app, settings, contract, keys)
    _add_probes(app, settings, routing, metrics, admission)
    api_description.add_schemas(app, *models)
    app.state.metrics = metrics
    app.add_exception_handler(ProblemError, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    # The one that is added last sees a request first.
    app.add_middleware(
        OperatorGate, admission=admission, paths=[METRICS, api_description.DOCS, api_description.DESCRIPTION]
    )
    if settings.cors.origins:
        _allow_origins(app, settings.cors, [sticky.name] if sticky and sticky.kind == "header" else [])
    app.add_middleware(
        RequestObserver, metrics=metrics, routes=[route.path for route in app.routes if hasattr(route, "path")]
    )
    return app


def _make_rate_limit(settings: GatewaySettings, environ: Mapping[str, str], metrics: GatewayMetrics) -> RequestCounter:
    local = RateLimit(settings.limits.requests_per_second)
    redis = settings.limits.redis
    if redis is None or not local.per_second:  # no limit: nothing to count, and no store to be told of as away
        return local
    from serving.gateway.shared_rate_limit import SharedRateLimit  # Imported here: a gateway alone needs no client.

    prefix = redis.prefix or f"gateway:{settings.endpoint}"
    return SharedRateLimit(local, redis, prefix=prefix, environ=environ, metrics=metrics)


def _make_feedback(
    settings: GatewaySettings,
    contract: contracts.Contract,
    admission: Admission,
    metrics: GatewayMetrics,
    pending: PendingRequests | None,
) -> FeedbackEndpoint | None:
    if not (settings.feedback and settings.request_log):
        return None
    label = read_label(settings.contract, settings.label)
    return FeedbackEndpoint(
        settings,
        rows=RowValidator(outcome_contract(contract, label), "Outcome", settings.limits.rows),
        admission=admission,
        store=FeedbackStore(settings.feedback, label, settings.request_log, pending=pending),
        metrics=metrics,
    )


def _add_explanation(
    app: fastapi.FastAPI,
    explanation: ExplanationEndpoint,
    settings: GatewaySettings,
    rows: RowValidator,
    security: list[Any],
) -> None:
    app.add_api_route(
        settings.explanation_route,
        explanation.answer,
        methods=["POST"],
        tags=["prediction"],
        summary="What each field adds to the probability of one row",
        description="Shapley values, sampled, against some background rows: base and contributions add up.",
        response_class=JSONResponse,
        responses=api_description.explanation_responses(),
        openapi_extra=api_description.one_row_body(rows.model, rows.contract.example),
        dependencies=security,
    )


def _add_feedback(app: fastapi.FastAPI, feedback: FeedbackEndpoint, security: list[Any]) -> type[pydantic.BaseModel]:
    """Adds the route for outcomes, and returns the type of one outcome."""
    app.add_api_route(
        FEEDBACK_ROUTE,
        feedback.answer,
        methods=["POST"],
        tags=["feedback"],
        summary="What became of rows that were predicted",
        description="Each outcome is stored once, or refused for a reason of its own; nothing is overwritten.",
        response_class=JSONResponse,
        responses=api_description.feedback_responses(),
        openapi_extra=api_description.request_body(
            feedback.rows.model, feedback.rows.contract.example, list(feedback.rows.contract.example)
        ),
        dependencies=security,
    )
    return feedback.rows.model


def _add_pages(app: fastapi.FastAPI, settings: GatewaySettings, contract: contracts.Contract, keys: ApiKeys) -> None:
    page = render.page(settings, contract, key_needed=keys.needed)
    docs = api_description.docs_page(settings.title)

    @app.get("/", include_in_schema=False)
    async def form() -> Response:
        return HTMLResponse(page)

    @app.get(api_description.DOCS, include_in_schema=False)
    async def documentation() -> Response:
        return docs

    app.mount("/page", StaticFiles(directory=_PAGE_FILES), name="page")


def _allow_origins(app: fastapi.FastAPI, cors: CorsSettings, headers: list[str]) -> None:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=cors.origins,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=["Content-Type", HEADER, REQUEST_ID_HEADER, *headers],
        expose_headers=[REQUEST_ID_HEADER, "Retry-After", "Server-Timing"],
        max_age=cors.max_age_seconds,
    )


def _add_probes(
    app: fastapi.FastAPI,
    settings: GatewaySettings,
    router: VersionRouter,
    metrics: GatewayMetrics,
    admission: Admission,
) -> None:
    @app.get("/healthz", tags=["operation"], summary="Whether the gateway runs")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz", tags=["operation"], summary="Whether a model answers that fits the contract")
    async def readyz(request: Request) -> dict[str, str | None]:
        try:
            target = await router.target(canary=False)
        except ModelError as error:
            request.state.log_fields["model_error"] = str(error)
            retry_after = {"Retry-After": str(settings.model.retry_after_seconds)}
            raise ProblemError(
                503, "no_model", "No model answers that fits the contract; the log says why.", headers=retry_after
            ) from error
        try:
            await admission.admit_operator(request)
        except ProblemError:  # strangers, a load balancer's probe among them, learn that a model answers
            return {"status": "ready"}
        return {"status": "ready", "model_version": target.version, "model_label": target.label}

    @app.get(METRICS, include_in_schema=False)
    async def scrape() -> Response:
        text = prometheus_client.generate_latest(metrics.registry)
        return Response(text, headers={"Content-Type": prometheus_client.CONTENT_TYPE_LATEST})


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    request.state.log_fields["code"] = error.code
    return problems.answer(error, request.state.request_id)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    """What the router says by itself: 404 and 405."""
    assert isinstance(error, HTTPException)
    method, path = request.method, request.url.path[:200]
    details = {
        404: ("not_found", f"There is nothing at {path}."),
        405: ("method_not_allowed", f"{path} does not take {method}: expected {(error.headers or {}).get('Allow')}."),
    }
    code, detail = details.get(error.status_code, ("refused", str(error.detail)))
    problem = ProblemError(error.status_code, code, detail, headers=error.headers)
    return problems.answer(problem, request.state.request_id)
