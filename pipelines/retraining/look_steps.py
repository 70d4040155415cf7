"""The steps of a pass that observe and decide. If an observation fails, the pass continues; the decision names it."""

import dataclasses

from pipelines.retraining.context import BUSY, Ended, LoopContext, Paused, StepResult, advance
from pipelines.retraining.decision import decide
from pipelines.retraining.journal import Journal, Step
from pipelines.retraining.looking import newest_look, observe
from pipelines.retraining.options import ContinuousOptions
from pipelines.retraining.served import find_serving_version, list_pushed

_WITHOUT_RESULT = 1  # exit status of a pass in which an observation failed


def ingest(context: LoopContext, journal: Journal) -> StepResult:
    """Ingest new spans."""
    failure = _ingest(context)
    return failure if isinstance(failure, Paused) else _looked(journal, Step.INGEST, Step.MONITOR, failure)


def monitor(context: LoopContext, journal: Journal) -> StepResult:
    """Judge the traffic, if the policy uses drift."""
    failure = _monitor(context) if context.policy.due.drift else None
    return failure if isinstance(failure, Paused) else _looked(journal, Step.MONITOR, Step.MEASURE, failure)


def measure(context: LoopContext, journal: Journal) -> StepResult:
    """Measure production metrics, if the policy uses them."""
    failure = _measure(context) if context.policy.due.performance else None
    return _looked(journal, Step.MEASURE, Step.DECIDE, failure)


def look_again(context: LoopContext) -> int:
    """Ingest, monitor and measure while an earlier decision waits, without deciding; return the exit status."""
    looks = [_ingest(context)]
    looks += [_monitor(context)] if context.policy.due.drift else []
    looks += [_measure(context)] if context.policy.due.performance else []
    failures = [look.why if isinstance(look, Paused) else look for look in looks if look is not None]
    for failure in failures:
        context.say(f"unknown    {failure}")
    return _WITHOUT_RESULT if failures else 0


def make_decision(context: LoopContext, journal: Journal) -> StepResult:
    """Decide whether to train."""
    seen = observe(context.options, context.policy, context.now(), journal.failed_looks)
    decision = decide(journal.id, context.policy, seen)
    return advance(journal, Step.RECORD, decision=decision, pushed_before=tuple(list_pushed(context.options)))


def record(context: LoopContext, journal: Journal) -> StepResult:
    """Record the decision, and end the pass if it is not to train."""
    decision = journal.decision
    assert decision is not None, "a decision was made"
    before = [one for one in context.log.decisions() if one.id != decision.id]
    context.log.record_decision(decision)
    for reason in decision.reasons:
        context.say(str(reason))
    if decision.act:
        context.say(f"decision   train on {len(decision.spans)} spans, {decision.rows:,} rows")
        return advance(journal, Step.PIN)
    told = True
    if decision.is_due and not (before and before[-1].is_due):  # notify once, not in every pass
        told = context.notify(f"{context.options.task}: a training is due; policy {decision.policy} starts none")
    context.say(f"decision   no training ({'policy report' if decision.is_due else 'not due, or held back'})")
    return Ended(status=_WITHOUT_RESULT if journal.failed_looks or not told else 0)


def _ingest(context: LoopContext) -> Paused | str | None:
    """Ingest the folder and the request log, and return why that failed; None: it did not."""
    of_folder = _ingest_folder(context)
    if isinstance(of_folder, Paused) or context.policy.from_log is None:
        return of_folder
    of_log = _ingest_log(context, context.policy.from_log)
    return of_log if isinstance(of_log, Paused) else "; ".join(filter(None, (of_folder, of_log))) or None


def _ingest_log(context: LoopContext, every: str) -> Paused | str | None:
    """Ingest the rows of the request log whose outcome is known."""
    options = context.options
    if not options.requests.is_dir():
        return _describe_missing_log(options)
    window = ["--from-log", "--window", every, "--log", str(options.requests)]
    status = context.run("pipelines", "ingest", *context.task_options(), *_at_once(context), *window)
    if status == BUSY:
        return _busy("ingest --from-log")
    if status == 1:
        return f"a span of {options.requests} is in quarantine, or cannot be made of the request log"
    return f"ingest --from-log ended with {status}" if status else None


def _ingest_folder(context: LoopContext) -> Paused | str | None:
    options = context.options
    if options.source is None:
        return None
    pattern = ["--pattern", options.pattern] if options.pattern else []
    arguments = ["ingest", *context.task_options(), *_at_once(context), "--from", str(options.source), *pattern]
    status = context.run("pipelines", *arguments)
    if status == BUSY:
        return _busy("ingest")
    if status == 1:
        return f"a span of {options.source} is in quarantine, or cannot be read"
    return f"ingest ended with {status}" if status else None


def _monitor(context: LoopContext) -> Paused | str | None:
    options = context.options
    if not options.requests.is_dir():
        return _describe_missing_log(options)
    before = newest_look(options)
    window = ["--window", context.policy.window, "--log", str(options.requests)]
    status = context.run("pipelines", "monitor", *context.task_options(), *window)
    if status == BUSY:
        return _busy("monitor")
    look = newest_look(options)
    if look is None or (before is not None and look["run_id"] == before["run_id"]):
        return f"monitor left no record; it ended with {status}"
    return f"monitor failed: {look['error']}" if look["verdict"] == "failed" else None


def _measure(context: LoopContext) -> str | None:
    options = context.options
    if not options.requests.is_dir():
        return _describe_missing_log(options)
    window = ["--window", context.policy.window, "--log", str(options.requests)]
    status = context.run("pipelines", "production-metrics", *context.task_options(), *window)
    return f"production-metrics ended with {status}" if status else None


def _describe_missing_log(options: ContinuousOptions) -> str | None:
    """Return that the log is missing, or None before the first version: nothing is logged then."""
    return f"there is no request log at {options.requests}" if find_serving_version(options) is not None else None


def _looked(journal: Journal, step: Step, following: Step, failure: str | None) -> Journal:
    failed = journal.failed_looks | ({step.value: failure} if failure else {})
    return advance(dataclasses.replace(journal, failed_looks=failed), following)


def _busy(command: str) -> Paused:
    return Paused(
        why=f"{command} found the folder in use, or bad options (above); the next call begins with it", status=BUSY
    )


def _at_once(context: LoopContext) -> list[str]:
    return ["--at-once", str(context.options.at_once)] if context.options.at_once else []
