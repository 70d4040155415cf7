"""Answer POST /v1/<endpoint>/csv: return a file with predictions for all rows, or refuse the whole file."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from serving.contract import Row
from serving.contract.target import Target
from serving.gateway.body import read_body
from serving.gateway.csv_answer import list_columns, make_columns
from serving.gateway.csv_columns import check_columns
from serving.gateway.csv_file import CsvFile, read_csv
from serving.gateway.prediction import PredictionEndpoint
from serving.gateway.row_validator import RowValidator
from serving.gateway.settings import GatewaySettings
from serving.tracing.tracer import Tracer

MEDIA_TYPE = "text/csv"


class CsvPredictionEndpoint:
    """Answer requests with CSV files, by the same rules as JSON requests.

    Args:
        settings: limits.
        target: the kind of prediction.
        rows: checks the rows.
        prediction: admits, predicts, counts and logs.
        tracer: traces the reading of a file.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        target: Target,
        *,
        rows: RowValidator,
        prediction: PredictionEndpoint,
        tracer: Tracer,
    ):
        self._limits = settings.limits
        self._rows = rows
        self._prediction = prediction
        self._tracer = tracer
        self._classes = target.classes
        features = rows.contract.features
        # A spreadsheet that writes 7,65 reads 0.5 as text or a date.
        self._decimal = "," if any(one.number_format and one.number_format.decimal == "," for one in features) else "."

    async def answer(self, request: Request) -> Response:
        """Answer one request.

        Args:
            request: the whole request.

        Returns:
            The file with added columns.

        Raises:
            ProblemError: There are no predictions.
        """
        caller = await self._prediction.admit(request)
        with self._tracer.span("validation"):
            body = await read_body(request, self._limits, MEDIA_TYPE, "CSV")
            # Read in a thread: an unusual file takes tenths of a second, which would delay other requests.
            file, rows = await run_in_threadpool(self._read, body)
        content, headers = await self._prediction.predict(request, rows, caller)
        answer = await run_in_threadpool(self._write, file, content)
        headers = headers | {"Content-Disposition": 'attachment; filename="predictions.csv"'}
        return Response(answer, headers=headers, media_type=MEDIA_TYPE)  # starlette adds charset=utf-8

    def _read(self, body: bytes) -> tuple[CsvFile, list[Row]]:
        file = read_csv(body, self._limits.rows)
        check_columns(file.header, self._rows.contract, list_columns(self._classes))
        return file, self._rows.check(file.rows(self._rows.contract), file.lines)

    def _write(self, file: CsvFile, content: Mapping[str, Any]) -> bytes:
        return file.append(make_columns(content, self._classes, self._decimal))
