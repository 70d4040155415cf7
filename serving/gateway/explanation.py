"""Answer POST /v1/<endpoint>/explanation: each field's contribution to one row's prediction. Off by default."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pydantic
import pydantic_core
from starlette.requests import Request
from starlette.responses import Response

from serving.contract import Row
from serving.contract.target import Target
from serving.gateway.admission import Admission
from serving.gateway.answers import Answers
from serving.gateway.body import read_json
from serving.gateway.contributions import count_rows, make_questions
from serving.gateway.model_errors import ModelError
from serving.gateway.prediction import describe_model_error
from serving.gateway.predictor import Predictions, Predictor
from serving.gateway.problems import ProblemError
from serving.gateway.row_validator import RowValidator
from serving.gateway.settings import ExplanationSettings, GatewaySettings
from serving.problem import MULTICLASS, REGRESSION

MOST_BACKGROUND = 50  # rows
MOST_ASKED = 20_000  # rows for one explanation: they take seconds of a model server
_TRIES = 2  # a promotion between two parts is rare, and two in a row are rarer


class FieldContribution(pydantic.BaseModel):
    """The contribution of one field."""

    field: str = pydantic.Field(examples=["payment_type"])
    contribution: float = pydantic.Field(
        description="What the field's value adds to the prediction, compared with the background rows.", examples=[0.41]
    )


class _Explanation(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(protected_namespaces=())

    base: float = pydantic.Field(description="The mean prediction of the background rows.", examples=[0.22])
    contributions: list[FieldContribution] = pydantic.Field(description="One for each field, the largest first.")
    model_version: str = pydantic.Field(description="The version that answered.", examples=["1795253025"])
    request_id: str = pydantic.Field(description="The X-Request-ID of the answer.")


def explanation_model(target: Target, name: str = "") -> type[pydantic.BaseModel]:
    """Make the type of an answer.

    Args:
        target: the kind of prediction.
        name: prefix of the type's name, where a gateway serves several tasks.

    Returns:
        A pydantic model.
    """
    probability = (float, pydantic.Field(ge=0, le=1, examples=[0.73]))
    fields: dict[str, Any] = {"probability": probability}
    if target.problem == MULTICLASS:
        fields["class_"] = (type(target.classes[0]), pydantic.Field(alias="class", examples=[target.classes[0]]))
    elif target.problem == REGRESSION:
        fields = {"value": (float, pydantic.Field(examples=[8.35]))}
    return pydantic.create_model(
        f"{name}ExplanationResponse",
        __base__=_Explanation,
        __doc__="The explanation of one prediction: base and contributions add up to its probability or value.",
        **fields,
    )


class ExplanationEndpoint:
    """Answer requests for explanations. The request log omits them, because no prediction was served.

    Args:
        settings: of the task.
        explanation: the table [explanation] of the settings.
        answers: reads the model's outputs.
        rows: checks rows.
        admission: checks keys and rates.
        predictor: asks the model.

    Raises:
        ValueError: The background's rows break the contract, or are none or too many; or an explanation would ask the
            model for too many rows.
        OSError: The background cannot be read.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        explanation: ExplanationSettings,
        *,
        answers: Answers,
        rows: RowValidator,
        admission: Admission,
        predictor: Predictor,
    ):
        self._settings = settings
        self._answers = answers
        self._orders = explanation.orders
        self._rows = rows
        self._admission = admission
        self._predictor = predictor
        self._background = read_background(explanation.background, rows)
        _check_cost(len(self._background), len(rows.contract.features), explanation.orders)
        self._free = asyncio.Semaphore(explanation.at_once)

    async def answer(self, request: Request) -> Response:
        """Answer one request.

        Args:
            request: the whole request.

        Returns:
            The explanation as JSON.

        Raises:
            ProblemError: There is no explanation.
        """
        await self._admission.admit(request)
        rows = self._rows.check(await read_json(request, self._settings.limits))
        if len(rows) > 1:
            raise ProblemError(
                413, "too_many_rows", f"One row is explained at a time: expected 1, received {len(rows)}; send several."
            )
        if self._free.locked():
            seconds = str(self._settings.model.retry_after_seconds)
            detail = f"Other rows are being explained; try again in {seconds} s."
            raise ProblemError(503, "busy", detail, headers={"Retry-After": seconds})
        async with self._free:
            return await self._explain(request, rows[0])

    async def _explain(self, request: Request, row: Row) -> Response:
        fields = [feature.name for feature in self._rows.contract.features]
        questions = make_questions(row, self._background, fields, self._orders)
        request.state.log_fields["rows_asked"] = len(questions.rows)
        try:
            parts = await self._ask(questions.rows)
        except ModelError as error:
            request.state.log_fields["model_error"] = str(error)
            raise describe_model_error(error, self._settings.model.retry_after_seconds) from error
        version, seconds = parts[0].target.version, sum(part.seconds for part in parts)
        request.state.log_fields.update(model_version=version, tries=sum(part.tries for part in parts))
        outputs = [output for part in parts for output in part.outputs]
        explained = self._answers.explain(outputs[0])
        contributions = questions.read(list(map(explained.pick, outputs)))
        content = {
            **explained.further,
            explained.name: contributions.number,
            "base": contributions.base,
            "contributions": [
                {"field": field, "contribution": amount}
                for field, amount in sorted(contributions.of_fields.items(), key=lambda one: -abs(one[1]))
            ],
            "model_version": version,
            "request_id": request.state.request_id,
        }
        headers = {"Server-Timing": f"model;dur={seconds * 1000:.1f}"}
        return Response(pydantic_core.to_json(content), headers=headers, media_type="application/json")

    async def _ask(self, rows: list[Row]) -> list[Predictions]:
        """Predict rows in parts of the size of a request, all by one version.

        A model server accepts only as many rows as its largest batch. If the stable version changes between two parts,
        all parts are requested again.

        Args:
            rows: checked rows.

        Returns:
            The predictions of each part.

        Raises:
            ModelError: There is no answer, or no version answered all parts.
        """
        size, inputs = self._settings.limits.rows, self._rows.contract.inputs
        for _ in range(_TRIES):
            found = [
                await self._predictor.predict(inputs(rows[start : start + size]), canary=False)
                for start in range(0, len(rows), size)
            ]
            versions = {part.target.version for part in found}
            if len(versions) == 1:
                return found
        raise ModelError(f"expected one version to answer all parts, received {', '.join(sorted(versions))}")


def _check_cost(background: int, fields: int, orders: int) -> None:
    asked = count_rows(background, fields, orders)
    if asked > MOST_ASKED:
        raise ValueError(
            f"explanation: expected at most {MOST_ASKED:,} predicted rows for one explanation, received {asked:,} "
            f"({background} background rows, {fields} fields, {orders} orders); use fewer background rows or orders."
        )


def read_background(path: Path, rows: RowValidator) -> list[Row]:
    """Read the background rows: a JSON list of rows in the gateway's format.

    Args:
        path: the file.
        rows: checks the rows.

    Returns:
        The rows.

    Raises:
        ValueError: There are none or too many, or one breaks the contract.
        OSError: The file cannot be read.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: expected a JSON list of rows, received something else: {error}") from error
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_BACKGROUND:
        received = f"{len(found)}" if isinstance(found, list) else type(found).__name__
        raise ValueError(f"{path}: expected a list of 1 to {MOST_BACKGROUND} rows, received {received}")
    try:
        return rows.check(found)
    except ProblemError as error:
        raise ValueError(f"{path}: {error.detail}") from error
