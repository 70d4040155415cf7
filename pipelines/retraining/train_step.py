"""The step of a pass that trains: `run --spans`, with every gate and the push."""

import dataclasses
from typing import Any

from pipelines.retraining.context import BUSY, Failed, LoopContext, Paused, StepResult, advance, finish
from pipelines.retraining.decision import Decision
from pipelines.retraining.journal import Journal, Step
from pipelines.retraining.looking import find_run
from pipelines.retraining.served import list_pushed, read_rolled_out

PUSHED, UNCHANGED, REFUSED, TIE = "pushed", "unchanged", "refused", "tie"  # statuses of a run, and outcomes of a pass
_JUDGED = (PUSHED, UNCHANGED, REFUSED, TIE)


def train(context: LoopContext, journal: Journal) -> StepResult:
    """Train and push, unless an earlier call, since killed, has done so for this decision."""
    decision = journal.decision
    assert decision is not None, "a decision was made"
    if (done := _find_done(context, journal, decision)) is not None:
        return done
    status = context.run("pipelines", *_arguments(context, decision))
    if status == BUSY:
        return Paused(
            why="run found the folder in use, or bad options (above); the next call begins with it", status=BUSY
        )
    if (done := _find_done(context, journal, decision)) is not None:
        return done
    record = find_run(context.options, list(decision.spans), decision.time) or {}
    return Failed(why=f"the training ended with {status}: {record.get('error') or 'it left no record'}")


def _find_done(context: LoopContext, journal: Journal, decision: Decision) -> Journal | None:
    """Return what follows from a run of this decision with a verdict, or from its push; None: there is neither."""
    record = find_run(context.options, list(decision.spans), decision.time)
    if record is not None and record["status"] in _JUDGED:
        return _judge(context, journal, decision, record)
    new = set(list_pushed(context.options)) - set(journal.pushed_before)
    if not new:
        return None
    return _follow_push(context, journal, decision, max(new, key=int), "a run that left no verdict")


def _arguments(context: LoopContext, decision: Decision) -> list[str]:
    names = list(decision.spans)
    spans = names[0] if len(names) == 1 else f"{names[0]}..{names[-1]}"  # leaves out spans that came meanwhile
    at_once = ["--at-once", str(context.options.at_once)] if context.options.at_once else []
    ties = ["--push-ties"] if context.policy.push_ties else []
    sign = ["--sign", str(context.options.sign)] if context.options.sign else []
    sign += ["--sign-command", context.options.sign_command] if context.options.sign_command else []
    evaluated = ["--evaluate-on", context.policy.evaluate_on]
    return ["run", *context.task_options(), *at_once, "--spans", spans, *evaluated, *ties, *sign]


def _judge(context: LoopContext, journal: Journal, decision: Decision, record: dict[str, Any]) -> Journal:
    """Return what follows from a run that reached a verdict."""
    run = f"run {record['run_id']}"
    if record["status"] == REFUSED:
        gates = ", ".join(gate["gate"] for gate in record["gates"] if gate["passed"] is False)
        why = f"{gates} refused the model" if gates else record["not_pushed"] or "the push refused the model"
        return finish(journal, REFUSED, f"{run}: {why}; version {decision.serving} still answers")
    if record["status"] == TIE:
        return finish(journal, TIE, f"{run}: {record['not_pushed']}; version {decision.serving} still answers")
    version = str(record["pushed"]["version"])
    if version == decision.serving:
        return finish(journal, UNCHANGED, f"{run} gave the model of version {version}, which answers already")
    return _follow_push(context, journal, decision, version, run)


def _follow_push(context: LoopContext, journal: Journal, decision: Decision, version: str, run: str) -> Journal:
    """Go on to the trial, if there are servers and a version to compare with; otherwise the pass ends."""
    if context.options.server and decision.serving is not None:
        return advance(journal, Step.CANARY, version=version)
    pushed, said = dataclasses.replace(journal, version=version), f"{run} pushed version {version}"
    if decision.serving is None:
        return finish(pushed, PUSHED, f"{said}, the first one")
    stable = read_rolled_out(context.options).stable
    if stable is None:
        return finish(pushed, PUSHED, f"{said}; no --server was named, so servers take it at once")
    return finish(pushed, PUSHED, f"{said}; models.config pins {stable}: roll it out with `make canary`")
