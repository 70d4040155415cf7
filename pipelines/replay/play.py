"""Play a replay: train the first model, then send each span to the gateway and run the retraining loop."""

import dataclasses
import datetime
import os
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.deployment import GATEWAY
from pipelines.replay.errors import ReplayError
from pipelines.replay.lines import FirstModel, LabelledAnswers, read_estimate
from pipelines.replay.options import ReplayOptions
from pipelines.replay.played_loop import PlayedLoop
from pipelines.replay.processes import Commands
from pipelines.replay.record import DecisionRecord, ReplayRecord, SpanRecord
from pipelines.replay.site import Site
from pipelines.replay.span_rows import RowReader, SentRow
from pipelines.replay.traffic import Asked, ask, tell
from pipelines.replay.words import describe_span
from pipelines.retraining.decision_log import DecisionLog
from pipelines.retraining.looking import newest_look
from pipelines.retraining.policy import read_policy
from pipelines.retraining.served import list_pushed
from pipelines.spans.pattern import SpanPattern
from pipelines.spans.sources import SpanSource, find_spans
from pipelines.task_definition.problem import BINARY
from pipelines.task_definition.task import load_task

LOG_FILE = "loop.log"  # output of the loop's commands
_TRIAL_SHARE = 3  # the first third of a span's rows is sent before a trial ends


@dataclasses.dataclass(frozen=True, kw_only=True)
class Player:
    """What the spans of a replay are played with: options, servers, loop and output."""

    options: ReplayOptions
    endpoint: str
    reader: RowReader
    loop: PlayedLoop
    site: Site
    say: Callable[[str], None]


def play(options: ReplayOptions, say: Callable[[str], None], keep: Callable[[ReplayRecord], None]) -> ReplayRecord:
    """Play all spans.

    Args:
        options: of the command; the folder is empty.
        say: prints a line for the operator.
        keep: stores the record after each span, so that a stopped replay leaves one.

    Returns:
        The record of the whole replay.

    Raises:
        ReplayError: There are too few spans, the task does not have two classes, the first model was not pushed, or a
            server did not start.
    """
    begin, started = time.monotonic(), datetime.datetime.now(datetime.UTC)
    sources = find_spans(options.source, SpanPattern(options.pattern) if options.pattern else None).sources
    if len(sources) <= options.first:
        raise ReplayError(
            f"{options.source}: expected more spans than those that train the first model ({options.first}), "
            f"received {len(sources)}; name fewer with --first"
        )
    player = _prepare(options, len(sources), say)
    known, later = sources[: options.first], sources[options.first :]
    first = _train_first(player, known)
    spans: list[SpanRecord] = []
    answers: list[LabelledAnswers] = []
    with player.site.running():
        for source in later:
            span, labelled = _play_span(player, source, first)
            spans.append(span)
            answers.append(labelled)
            record = ReplayRecord(
                task=options.name,
                started=started.isoformat(timespec="seconds"),
                seconds=round(time.monotonic() - begin, 1),
                trained_first=[str(source.span) for source in known],
                first_version=first.version,
                spans=spans,
                decisions=_list_decisions(player, spans, str(known[-1].span)),
                overall=LabelledAnswers.join(answers).measure(),
                planned=len(later),
            )
            keep(record)
            say(describe_span(span, record.decisions[-1]))
    return record


def _prepare(options: ReplayOptions, spans: int, say: Callable[[str], None]) -> Player:
    task = load_task(options.task)
    if task.problem != BINARY:
        raise ReplayError(
            f"{options.task}: expected a task of two classes, whose probabilities are compared; received {task.problem}"
        )
    settings = options.settings or GATEWAY / f"{options.name}.toml"
    arrived = options.var / "arrived"
    arrived.mkdir(parents=True)
    loop = PlayedLoop(
        task=options.task, var=options.var, arrived=arrived, pattern=options.pattern,
        policy=read_policy(options.task), spans=spans, commands=Commands(options.var / LOG_FILE),
    )  # fmt: skip
    loop.options.folder.mkdir(parents=True)
    return Player(
        options=options,
        endpoint=tomllib.loads(settings.read_text(encoding="utf-8"))["endpoint"],
        reader=RowReader.of(task.contract),
        loop=loop,
        site=Site(options.name, options.var, settings),
        say=say,
    )


def _train_first(player: Player, known: Sequence[SpanSource]) -> FirstModel:
    begin = time.monotonic()
    for source in known:
        _arrive(source, player.loop.arrived)
    player.loop.take_pass(datetime.datetime.now(datetime.UTC))
    pushed = list_pushed(player.loop.options)
    if len(pushed) != 1:
        raise ReplayError(
            f"expected the spans {known[0].span} to {known[-1].span} to train a first model that passes every "
            f"gate, received {len(pushed)} versions; {player.loop.commands.log} says why. Name more with --first"
        )
    first = FirstModel(player.options.name, player.options.var, pushed[0])
    seconds = time.monotonic() - begin
    spans = str(known[0].span) if len(known) == 1 else f"{known[0].span} to {known[-1].span}"
    player.say(f"{spans}: the first model, version {first.version}, in {seconds:.0f} s")
    return first


def _play_span(player: Player, source: SpanSource, first: FirstModel) -> tuple[SpanRecord, LabelledAnswers]:
    begin, site, loop = time.monotonic(), player.site, player.loop
    rows = player.reader.read(source.path)
    asked = _send(player, rows)
    site.wait_for_log(asked.begun, len(asked.answers))
    told = tell(site.url, player.endpoint, asked)
    before = newest_look(loop.options)
    _arrive(source, loop.arrived)
    loop.take_pass(asked.begun, site.server_address)
    labelled, estimate = first.answer(asked.begun)
    look = newest_look(loop.options)
    new = look if look is not None and (before is None or look["run_id"] != before["run_id"]) else None
    decision = DecisionLog(loop.options.folder).decisions()[-1]
    metrics = player.options.var / "production_metrics" / f"{player.options.name}.json"
    name = str(source.span)
    return SpanRecord(
        span=name,
        sent=len(rows),
        versions=asked.versions,
        refused=list(asked.refused),
        failed=list(asked.failed),
        told=told,
        quarantined=(player.options.var / "quarantine" / player.options.name / name).exists(),
        verdict=new["verdict"] if new else "none",
        alarms=_name_alarms(new["report"]) if new else [],
        page=os.path.relpath(new["page"], player.options.var) if new and new["page"] else "",
        decision=decision.id,
        seconds=round(time.monotonic() - begin, 1),
        comparison=labelled.measure(),
        first=estimate,
        retrained=read_estimate(metrics, next(iter(asked.versions)), asked.begun),
    ), labelled


def _send(player: Player, rows: Sequence[SentRow]) -> Asked:
    """Send a span's rows; after the first third, end a trial that the previous pass began."""
    site, middle = player.site, -(-len(rows) // _TRIAL_SHARE)
    asked = ask(site.url, player.endpoint, rows[:middle])
    site.wait_for_log(asked.begun, len(asked.answers))
    player.loop.end_trial(asked.begun, site.server_address)
    asked = asked + ask(site.url, player.endpoint, rows[middle:])
    if not asked.answers:
        raise ReplayError(f"{site.url}: expected answers, received none: {(*asked.failed, *asked.refused)[0]}")
    return asked


def _arrive(source: SpanSource, folder: Path) -> None:
    os.symlink(source.path.resolve(), folder / source.path.name)


def _name_alarms(report: Mapping[str, Any]) -> list[str]:
    return sorted({one["column"] or "whole rows" for one in [*report["findings"], *report["anomalies"]]})


def _list_decisions(player: Player, spans: Sequence[SpanRecord], first: str) -> list[DecisionRecord]:
    log = DecisionLog(player.loop.options.folder)
    outcomes, after = log.outcomes(), {record.decision: record.span for record in spans}
    return [
        DecisionRecord(
            id=decision.id,
            span=after.get(decision.id, first),
            act=decision.act,
            reasons=list(decision.reasons),
            spans=list(decision.spans),
            outcome=outcomes[decision.id]["outcome"] if decision.id in outcomes else None,
            detail=outcomes[decision.id]["detail"] if decision.id in outcomes else "",
            version=outcomes[decision.id]["version"] if decision.id in outcomes else None,
        )
        for decision in log.decisions()
    ]
