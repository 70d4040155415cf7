"""One task that the gateway serves: its contract, model, traffic, request log, feedback and explanation."""

from pathlib import Path

from serving import contract as contracts
from serving.contract.target import BINARY_TARGET, Target
from serving.feedback.label import outcome_contract, read_label
from serving.feedback.store import FeedbackStore
from serving.gateway.admission import Admission
from serving.gateway.answers import answers_of
from serving.gateway.explanation import ExplanationEndpoint
from serving.gateway.feedback import FeedbackEndpoint
from serving.gateway.gathered_calls import GatheredCalls
from serving.gateway.metrics import TaskMetrics
from serving.gateway.predict_client import PredictClient
from serving.gateway.prediction import PredictionEndpoint
from serving.gateway.predictor import Predictor
from serving.gateway.row_validator import RowValidator
from serving.gateway.settings import GatewaySettings
from serving.gateway.sticky import StickyKey
from serving.gateway.traffic_split import TrafficSplit
from serving.gateway.version_router import VersionRouter
from serving.problem import BINARY
from serving.request_log.pending import PendingRequests
from serving.request_log.writer import RequestLog
from serving.tracing.tracer import Tracer


class ServedTask:
    """One task. It connects to its model server with the first request.

    Args:
        settings: of the task.
        admission: checks keys and rates; shared by all tasks.
        tracer: traces the parts of a request; shared by all tasks.
        prefix: the first part of the task's type names in the API's description; empty for a single task.

    Raises:
        ContractError: The contract cannot be used, or lacks what the kind of task needs.
        ValueError: The traffic file, the sticky setting, the request log's columns, the explanation or feedback cannot
            be used.
        OSError: A file cannot be read.
    """

    def __init__(self, settings: GatewaySettings, admission: Admission, tracer: Tracer, prefix: str = ""):
        self.settings = settings
        self.tracer = tracer
        self.prefix = prefix
        self.contract = contracts.read(settings.contract)
        self.target = read_target(settings)
        self.metrics = TaskMetrics()
        self.rows = RowValidator(self.contract, settings.row_name, settings.limits.rows)
        answers = answers_of(self.target, settings.threshold)
        self._server = PredictClient(settings.model, self.contract, self.metrics, answers, tracer)
        self.router = VersionRouter(self._server, settings.model, self.metrics)
        pending = PendingRequests() if settings.feedback else None
        self._request_log = (
            RequestLog(
                settings.request_log,
                self.contract,
                registry=self.metrics.registry,
                pending=pending,
                target=self.target,
            )
            if settings.request_log
            else None
        )
        predictor = Predictor(
            GatheredCalls(self._server, settings.model, settings.limits.rows, tracer),
            self.router,
            settings.model,
            tracer,
        )
        self.explanation = (
            ExplanationEndpoint(
                settings,
                settings.explanation,
                answers=answers,
                rows=self.rows,
                admission=admission,
                predictor=predictor,
            )
            if settings.explanation
            else None
        )
        self.feedback = self._make_feedback(admission, pending)
        self._sticky = StickyKey.parse(settings.sticky, self.contract) if settings.sticky else None
        self.prediction = PredictionEndpoint(
            settings,
            target=self.target,
            answers=answers,
            rows=self.rows,
            admission=admission,
            traffic=TrafficSplit(settings.traffic, salt=settings.model.name),
            sticky=self._sticky,
            predictor=predictor,
            metrics=self.metrics,
            request_log=self._request_log,
            tracer=tracer,
        )

    @property
    def sticky_headers(self) -> list[str]:
        """Return the headers that identify callers; pages of other origins may send them."""
        return [self._sticky.name] if self._sticky and self._sticky.kind == "header" else []

    async def close(self) -> None:
        """Close connections, and write pending records to disk."""
        await self._server.close()
        if self._request_log:
            self._request_log.close()
        if self.feedback:
            self.feedback.close()

    def _make_feedback(self, admission: Admission, pending: PendingRequests | None) -> FeedbackEndpoint | None:
        settings = self.settings
        if not (settings.feedback and settings.request_log):
            return None
        label = read_label(settings.contract, settings.label)
        return FeedbackEndpoint(
            settings,
            rows=RowValidator(outcome_contract(self.contract, label), f"{self.prefix}Outcome", settings.limits.rows),
            admission=admission,
            store=FeedbackStore(settings.feedback, label, settings.request_log, pending=pending),
            metrics=self.metrics,
        )


def read_target(settings: GatewaySettings) -> Target:
    """Return the task's target. A binary task needs no label, because only feedback uses it.

    Args:
        settings: of the task.

    Returns:
        The kind of task, and its classes or unit.

    Raises:
        ContractError: The contract has no label, or does not list its classes.
    """
    if settings.kind == BINARY:
        return BINARY_TARGET
    return Target.of_label(settings.kind, read_label(Path(settings.contract), settings.label))
