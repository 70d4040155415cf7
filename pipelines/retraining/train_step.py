"""The training: `run --spans`, past all gates to the push."""

from typing import Any

from pipelines.retraining.context import BUSY, Failed, LoopContext, Paused, StepResult, advance, finish
from pipelines.retraining.decision import Decision
from pipelines.retraining.journal import Journal, Step
from pipelines.retraining.looking import find_run
from pipelines.retraining.served import read_rolled_out

PUSHED, UNCHANGED, REFUSED = "pushed", "unchanged", "refused"  # statuses of a run, and outcomes of a pass
_JUDGED = (PUSHED, UNCHANGED, REFUSED)


def train(context: LoopContext, journal: Journal) -> StepResult:
    """Trains and pushes, unless a run of this decision did: a call that was killed may have left one behind."""
    decision = journal.decision
    assert decision is not None, "a decision was made"
    record = find_run(context.options, decision.spans, decision.time)
    if record is None or record["status"] not in _JUDGED:
        status = context.run("pipelines", *_arguments(context, decision))
        if status == BUSY:
            return Paused(
                why="run found the folder in use, or bad options (above); the next call begins with it", status=BUSY
            )
        record = find_run(context.options, decision.spans, decision.time)
        if record is None or record["status"] not in _JUDGED:
            why = (record or {}).get("error") or "it left no record"
            return Failed(why=f"the training ended with {status}: {why}")
    return _judge(context, journal, decision, record)


def _arguments(context: LoopContext, decision: Decision) -> list[str]:
    names = list(decision.spans)
    spans = names[0] if len(names) == 1 else f"{names[0]}..{names[-1]}"  # These, also when more came meanwhile.
    at_once = ["--at-once", str(context.options.at_once)] if context.options.at_once else []
    return ["run", *context.task_options(), *at_once, "--spans", spans, "--evaluate-on", context.policy.evaluate_on]


def _judge(context: LoopContext, journal: Journal, decision: Decision, record: dict[str, Any]) -> Journal:
    """Says what follows from a run that came to a verdict."""
    run = f"run {record['run_id']}"
    if record["status"] == REFUSED:
        gates = ", ".join(gate["gate"] for gate in record["gates"] if gate["passed"] is False) or "the push"
        return finish(journal, REFUSED, f"{run}: {gates} refused the model; version {decision.serving} still answers")
    version = str(record["pushed"]["version"])
    if version == decision.serving:
        return finish(journal, UNCHANGED, f"{run} gave the model of version {version}, which answers already")
    if context.options.server and decision.serving is not None:
        return advance(journal, Step.CANARY, version=version)
    pushed = advance(journal, Step.TRAIN, version=version)
    if decision.serving is None:
        return finish(pushed, PUSHED, f"{run} pushed version {version}, the first one")
    stable = read_rolled_out(context.options).stable
    if stable is None:
        return finish(
            pushed, PUSHED, f"{run} pushed version {version}; no --server was named, so servers take it at once"
        )
    return finish(
        pushed, PUSHED, f"{run} pushed version {version}; models.config pins {stable}: roll it out with `make canary`"
    )
