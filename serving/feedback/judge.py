"""Check outcomes against the request log, and against the outcomes that are stored already."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from serving.contract import Feature, Kind, Value
from serving.contract.missing_values import in_float32
from serving.feedback import columns
from serving.feedback.label import ROW
from serving.feedback.settings import FeedbackSettings
from serving.feedback.verdicts import Caller, Outcome, Refusal, RefusedOutcome
from serving.request_log import columns as log_columns
from serving.request_log.encoding import hashed
from serving.request_log.files_by_id import FilesById
from serving.request_log.pending import LoggedRow, PendingRequests, read_answer
from serving.request_log.settings import RequestLogSettings

_ANSWERED = 200  # HTTP status of an answered request
_NEEDED = (
    log_columns.REQUEST_ID, log_columns.REQUEST_ROW, log_columns.REQUEST_TIME, log_columns.REQUEST_CALLER,
    log_columns.ANSWER_STATUS,
)  # fmt: skip

_ANSWER = (log_columns.MODEL_VERSION, *log_columns.TELLING_ANSWERS)  # equal in repeated requests
REPEATED = datetime.timedelta(minutes=1)  # clients stop waiting for an answer before

_ID, _ROW, _TIME = log_columns.REQUEST_ID, log_columns.REQUEST_ROW, log_columns.REQUEST_TIME
_UNTOLD = (None, None, None)
RowKey = tuple[str, int, datetime.datetime]  # the request's id as in the log, the row, the request's time


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Asked:
    """The requests of one id that one caller may know of."""

    logged: bool  # whether the log has requests of this id, of any caller
    own: LoggedRow | None  # a row that this caller may report on; None if there is none
    answered: Mapping[int, Sequence[LoggedRow]]  # the caller's rows that a model answered, by row number


def _view(logged: Sequence[LoggedRow], caller: Caller) -> _Asked:
    """Return the requests of one id for one caller. Group them once, because a request may have thousands of rows."""
    own = [row for row in logged if caller.trusted or row.caller == caller.digest]
    answered: dict[int, list[LoggedRow]] = {}
    for row in own:
        if row.status == _ANSWERED:
            answered.setdefault(row.row, []).append(row)
    return _Asked(logged=bool(logged), own=own[0] if own else None, answered=answered)


class FeedbackJudge:
    """Check outcomes one after another. Use it from one thread.

    Args:
        settings: whose outcomes are accepted, and for how long after the request.
        label: the contract's label.
        log: the request log in which ids are looked up.
        pending: requests of this process that no file of the log holds yet; None in another process.

    Raises:
        ValueError: The log drops a column that says whose request it was, when, and whether it was answered.
    """

    def __init__(
        self, settings: FeedbackSettings, label: Feature, log: RequestLogSettings, pending: PendingRequests | None
    ) -> None:
        if dropped := sorted(set(log.dropped).intersection(_NEEDED)):
            raise ValueError(
                f"feedback: expected the request log to keep {', '.join(_NEEDED)}, received dropped = "
                f"{', '.join(dropped)}; keep these columns, or disable feedback."
            )
        self._settings, self._label, self._log, self._pending = settings, label, log, pending
        self._known = FilesById(log.folder, (*_NEEDED, *_ANSWER), settings.cached_ids)
        self._stored = FilesById(settings.folder, columns.NAMES, settings.cached_ids)

    def warm_up(self, now: datetime.datetime) -> None:
        """Read the newest ids into memory, so that the first outcome does not wait for it.

        Args:
            now: with time zone.

        Raises:
            IdFileError: The log or the feedback cannot be read.
        """
        self._find(set(), now)

    def judge(
        self, batches: Sequence[tuple[Sequence[Outcome], Caller]], now: datetime.datetime
    ) -> list[tuple[list[dict[str, Any]], list[RefusedOutcome]]]:
        """Check batches; each outcome is also checked against those before it.

        Args:
            batches: outcomes that were sent together, with their caller.
            now: with time zone.

        Returns:
            For each batch: the rows to store (columns of serving.feedback.columns), and the refused outcomes.

        Raises:
            IdFileError: The log or the feedback cannot be read.
        """
        ids = {outcome.request_id for outcomes, _ in batches for outcome in outcomes}
        known, stored = self._find(ids, now)
        return [self._judge_batch(outcomes, caller, known, stored, now) for outcomes, caller in batches]

    def _judge_batch(
        self,
        outcomes: Sequence[Outcome],
        caller: Caller,
        known: Mapping[str, list[LoggedRow]],
        stored: dict[RowKey, Value],
        now: datetime.datetime,
    ) -> tuple[list[dict[str, Any]], list[RefusedOutcome]]:
        """Check one batch, and add what is accepted to `stored`."""
        accepted: list[dict[str, Any]] = []
        refused: list[RefusedOutcome] = []
        ids = {outcome.request_id for outcome in outcomes}
        asked = {each: _view(known.get(self._logged_id(each), ()), caller) for each in ids}
        for position, outcome in enumerate(outcomes):
            found = self._find_row(outcome, asked[outcome.request_id], now)
            if isinstance(found, RefusedOutcome):
                refused.append(dataclasses.replace(found, position=position))
                continue
            row = self._row(outcome, caller, found, now)
            key = (row[log_columns.REQUEST_ID], found.row, found.time)
            if key in stored:
                refused.append(dataclasses.replace(_compare(stored[key], row[columns.OUTCOME]), position=position))
                continue
            stored[key] = row[columns.OUTCOME]
            accepted.append(row)
        return accepted, refused

    def _find(self, ids: set[str], now: datetime.datetime) -> tuple[dict[str, list[LoggedRow]], dict[RowKey, Value]]:
        """Return the logged rows by their id in the log, and the stored outcomes.

        Pending requests are read before the files: a request that moves to a file meanwhile is then found in one of the
        two.
        """
        # Read all that the log keeps, to distinguish late outcomes from unknown requests.
        logged_since = now - datetime.timedelta(days=self._log.keep_days)
        stored_since = now - datetime.timedelta(days=self._settings.accept_days)
        known: dict[str, list[LoggedRow]] = {}
        pending = self._pending.find(ids) if self._pending is not None else []
        for row in pending:
            known.setdefault(self._logged_id(row.request_id), []).append(row)
        in_memory = {(logged_id, *_place(row)) for logged_id, rows in known.items() for row in rows}
        logged_ids = {self._logged_id(request_id) for request_id in ids}
        for record in self._known.find(logged_ids, logged_since):
            if None in (record[_ROW], record[log_columns.ANSWER_STATUS]):
                continue  # the log dropped this before its settings changed: the row cannot be identified
            row = _logged_row(record)
            # a request whose file was finished in between is in both
            if (row.request_id, *_place(row)) not in in_memory:
                known.setdefault(row.request_id, []).append(row)
        stored = {
            (record[_ID], record[_ROW], record[_TIME]): record[columns.OUTCOME]
            for record in self._stored.find(logged_ids & set(known), stored_since)
        }
        return known, stored

    def _find_row(self, outcome: Outcome, asked: _Asked, now: datetime.datetime) -> LoggedRow | RefusedOutcome:
        """Return the row of an outcome, or why this caller may not report on it."""
        sent_id, settings = repr(outcome.request_id[:100]), self._settings
        same = _without_repeats(asked.answered.get(outcome.row, ()))
        if not asked.logged:
            return _refused(
                Refusal.UNKNOWN_REQUEST, "request_id",
                f"the id of a logged request (kept for {self._log.keep_days:g} days; if another gateway answered it, "
                f"known after {self._log.max_file_seconds:g} s)", sent_id,
            )  # fmt: skip
        if asked.own is None:
            return _refused(
                Refusal.OTHER_CALLER, "request_id",
                "a request made with the same API key, or a key that feedback.trusted names",
                f"{sent_id}, which was made with another",
            )  # fmt: skip
        if not asked.answered:
            return _refused(
                Refusal.UNANSWERED, "request_id", "a request that a model answered",
                f"{sent_id}, which was answered with status {asked.own.status}",
            )  # fmt: skip
        if not same:
            return _refused(
                Refusal.UNKNOWN_ROW, ROW, f"a row of the request, 0 to {max(asked.answered)}", str(outcome.row)
            )
        if len(same) > 1:
            return _refused(
                Refusal.AMBIGUOUS, "request_id", "an id of a single request",
                f"{sent_id}, which {len(same)} answered requests share; send a new id with each request",
            )  # fmt: skip
        if now - same[0].time > datetime.timedelta(days=settings.accept_days):
            return _refused(
                Refusal.TOO_LATE, "request_id", f"a request of the last {settings.accept_days:g} days",
                f"{sent_id} of {same[0].time.date().isoformat()}",
            )  # fmt: skip
        return same[0]

    def _row(self, outcome: Outcome, caller: Caller, row: LoggedRow, now: datetime.datetime) -> dict[str, Any]:
        return {
            log_columns.REQUEST_ID: self._logged_id(outcome.request_id),
            log_columns.REQUEST_ROW: outcome.row,
            log_columns.REQUEST_TIME: row.time,
            columns.OUTCOME: self._stored_value(outcome.value),
            columns.FEEDBACK_TIME: now,
            columns.FEEDBACK_CALLER: caller.digest,
        }

    def _stored_value(self, value: Value) -> Value:
        """Return the value as a file holds it."""
        return in_float32(float(value)) if self._label.kind is Kind.FLOAT else value

    def _logged_id(self, request_id: str) -> str:
        """Return the id as in the log."""
        if log_columns.REQUEST_ID not in self._log.hashed:
            return request_id
        return hashed(self._log.hash_key or b"", log_columns.REQUEST_ID, request_id)


def _logged_row(record: Mapping[str, Any]) -> LoggedRow:
    return LoggedRow(
        request_id=record[log_columns.REQUEST_ID],
        row=record[log_columns.REQUEST_ROW],
        time=record[log_columns.REQUEST_TIME],
        status=record[log_columns.ANSWER_STATUS],
        caller=record[log_columns.REQUEST_CALLER],
        version=record[log_columns.MODEL_VERSION],
        answer=read_answer(
            next((record[name] for name in log_columns.TELLING_ANSWERS if record[name] is not None), None)
        ),
    )


def _without_repeats(rows: Sequence[LoggedRow]) -> list[LoggedRow]:
    """Return the rows without those that were requested again soon after with the same answer; keep the newest.

    A client that lost an answer with its connection repeats the request with the same id.
    """
    kept: list[LoggedRow] = []
    for row in sorted(rows, key=lambda row: row.time):
        before = kept[-1] if kept else None
        if before is not None and row.time - before.time <= REPEATED and _answer(row) == _answer(before) != _UNTOLD:
            kept.pop()
        kept.append(row)
    return kept


def _answer(row: LoggedRow) -> tuple[object, object, str | None]:
    return _UNTOLD if None in (row.version, row.answer) else (row.version, row.answer, row.caller)


def _place(row: LoggedRow) -> tuple[int, datetime.datetime, int]:
    """Return what distinguishes a row from others with its id."""
    return row.row, row.time, row.status


def _compare(before: Value, value: Value) -> RefusedOutcome:
    """Return the refusal of an outcome for a row that has one."""
    if before == value:
        return _refused(
            Refusal.DUPLICATE, "request_id", "a row whose outcome was not sent yet", "the same outcome again"
        )
    return _refused(
        Refusal.CONTRADICTORY, columns.OUTCOME, f"what was sent before, {_shown(before)}, which is kept", _shown(value)
    )


def _shown(value: Value) -> str:
    """Return the value as it was sent: a float32 has 7 digits."""
    return f"{value:.7g}" if isinstance(value, float) else repr(value)


def _refused(refusal: Refusal, field: str, expected: str, received: str) -> RefusedOutcome:
    return RefusedOutcome(position=0, refusal=refusal, field=field, expected=expected, received=received)
