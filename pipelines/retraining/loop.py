"""Take one pass of the loop step by step, and write the journal before each next step."""

import dataclasses
from collections.abc import Callable, Mapping

from pipelines.retraining import look_steps, rollout_steps, train_step
from pipelines.retraining.context import Ended, Failed, LoopContext, Paused, StepResult, advance, finish
from pipelines.retraining.decision_log import FAILED
from pipelines.retraining.journal import Journal, JournalStore, Step

_GOOD = (train_step.PUSHED, train_step.UNCHANGED, train_step.TIE, rollout_steps.PROMOTED)
_DONE, _FAILED = 0, 1  # exit statuses
_ON_TRIAL = (Step.CANARY, Step.COMPARE, Step.TRIAL, Step.PROMOTE)  # if one fails, a version may still be on trial


def take_pass(context: LoopContext) -> int:
    """Take one pass, or continue the one that is under way, until it ends, waits or fails.

    Args:
        context: of the loop.

    Returns:
        The exit status. 0: nothing failed. 1: a step failed, or the model was refused. 2: the folder is in use.
    """
    store = JournalStore(context.options.folder)
    journal = store.read()
    if journal is None:
        journal = Journal(id=_new_id(context), step=Step.INGEST)
        store.write(journal)
    else:
        context.say(f"continues  with {journal.step} of {journal.id}")
    while True:
        if journal.not_before is not None and context.now() < journal.not_before:
            context.say(f"waits      until {journal.not_before:%Y-%m-%d %H:%M} UTC, then {journal.step}")
            return _DONE
        result = _STEPS[journal.step](context, journal)
        if isinstance(result, Ended):
            store.clear()
            return result.status
        if isinstance(result, Paused):
            context.say(f"waits      {result.why}")
            return result.status
        if isinstance(result, Failed):
            journal = _after_failure(context, journal, result.why)
            store.write(journal)
            if journal.not_before is not None:
                return _FAILED
        else:
            journal = result
            store.write(journal)


def record_outcome(context: LoopContext, journal: Journal) -> StepResult:
    """Record the outcome of the decision, and notify the people whom the policy names."""
    assert journal.outcome is not None, "the pass has an outcome"
    context.log.record_outcome(journal.id, journal.outcome, journal.detail, journal.version, context.now())
    context.say(f"outcome    {journal.outcome}: {journal.detail}")
    told = context.notify(f"{context.options.task}: {journal.outcome}: {journal.detail}")
    good = journal.outcome in _GOOD and told and not journal.failed_looks
    return Ended(status=_DONE if good else _FAILED)


def _after_failure(context: LoopContext, journal: Journal, why: str) -> Journal:
    """Return the journal after a failure: retry later, or after the last attempt give up, and end a trial first."""
    retry, attempts = context.policy.retry, journal.attempts + 1
    context.say(f"failed     {journal.step}, attempt {attempts} of {retry.attempts}: {why}")
    if attempts >= retry.attempts and journal.step != Step.ROLL_BACK:
        detail = f"{journal.step} failed {attempts} times: {why}"
        if journal.step in _ON_TRIAL:
            return advance(journal, Step.ROLL_BACK, outcome=FAILED, detail=detail)
        return finish(journal, FAILED, f"{detail}; the version that answers is unchanged")
    if attempts == retry.attempts:
        context.notify(f"{context.options.task}: {journal.step} failed {attempts} times, and is still retried: {why}")
    not_before = context.now() + retry.wait(min(attempts, retry.attempts))
    context.say(f"waits      until {not_before:%Y-%m-%d %H:%M} UTC, then {journal.step} again")
    return dataclasses.replace(journal, attempts=attempts, not_before=not_before)


def _new_id(context: LoopContext) -> str:
    """Return the time as an id, with a number for a second pass in the same second."""
    time = f"{context.now():%Y%m%d-%H%M%S}"
    taken = sum(one.id.startswith(time) for one in context.log.decisions())
    return f"{time}-{taken}" if taken else time


_STEPS: Mapping[Step, Callable[[LoopContext, Journal], StepResult]] = {
    Step.INGEST: look_steps.ingest,
    Step.MONITOR: look_steps.monitor,
    Step.MEASURE: look_steps.measure,
    Step.DECIDE: look_steps.make_decision,
    Step.RECORD: look_steps.record,
    Step.PIN: rollout_steps.pin,
    Step.TRAIN: train_step.train,
    Step.CANARY: rollout_steps.canary,
    Step.COMPARE: rollout_steps.compare,
    Step.TRIAL: rollout_steps.end_trial,
    Step.AWAIT: rollout_steps.wait_for_person,
    Step.PROMOTE: rollout_steps.promote,
    Step.ROLL_BACK: rollout_steps.roll_back,
    Step.FINISH: record_outcome,
}
