"""Print the loop's state: what is under way, the last decisions, and when a training is due next."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.retraining.context import utc_now
from pipelines.retraining.decision import DUE, HELD_BACK, Decision
from pipelines.retraining.decision_log import DecisionLog
from pipelines.retraining.journal import Journal, JournalStore, Step
from pipelines.retraining.options import ContinuousOptions
from pipelines.retraining.policy import RetrainingPolicy
from pipelines.retraining.served import read_rolled_out


def print_state(options: ContinuousOptions, policy: RetrainingPolicy, count: int) -> int:
    """Print the loop's state.

    Args:
        options: with the task and the folder.
        policy: of the task.
        count: the most decisions to print.

    Returns:
        The exit status, 0.
    """
    log, journal, rolled_out = (
        DecisionLog(options.folder),
        JournalStore(options.folder).read(),
        read_rolled_out(options),
    )
    decisions, outcomes = log.decisions(), log.outcomes()
    print(f"{options.task}  policy {policy.policy}, spans {policy.spans}")
    print(f"state      {describe_waiting(journal) if journal else 'no pass is under way'}")
    trial = f", {rolled_out.canary} on trial" if rolled_out.canary else ""
    print(f"answers    {rolled_out.stable or 'the newest version that was pushed'}{trial}")
    print(f"budget     {_describe_budget(policy, decisions)}")
    print(f"next due   {_describe_next(policy, decisions)}")
    for decision in decisions[-count:]:
        print(f"decision   {_describe_decision(decision, outcomes.get(decision.id))}")
        if any(reason.kind == DUE for reason in decision.reasons):
            for reason in decision.reasons:
                if reason.kind in (DUE, HELD_BACK):
                    print(f"           {reason}")
    return 0


def describe_waiting(journal: Journal) -> str:
    """Return what is under way, in words."""
    if journal.step == Step.AWAIT:
        return f"decision {journal.id}: version {journal.version} waits for a person: `make promote` or `make rollback`"
    until = f", not before {journal.not_before:%Y-%m-%d %H:%M} UTC" if journal.not_before else ""
    tried = f", after {journal.attempts} failed attempts" if journal.attempts else ""
    return f"pass {journal.id} continues with {journal.step}{until}{tried}"


def _describe_decision(decision: Decision, outcome: Mapping[str, Any] | None) -> str:
    what = "train" if decision.act else "no training"
    if decision.act:
        what += f": {outcome['outcome']}: {outcome['detail']}" if outcome else ": under way"
    return f"{decision.time:%Y-%m-%d %H:%M}  {what}"


def _describe_budget(policy: RetrainingPolicy, decisions: Sequence[Decision]) -> str:
    now = utc_now()
    used = sum(one.act and (one.time.year, one.time.month) == (now.year, now.month) for one in decisions)
    return f"{used} of {policy.limits.trainings_a_month} trainings in {now:%Y-%m}"


def _describe_next(policy: RetrainingPolicy, decisions: Sequence[Decision]) -> str:
    if policy.due.schedule is None:
        return "by no schedule"
    last = decisions[-1] if decisions else None
    if last is None or last.next_due is None:
        return "at the next pass"
    if last.act:
        return f"{policy.due.schedule} after the training that {last.time:%Y-%m-%d} decided on"
    due = f"{last.next_due:%Y-%m-%d %H:%M} UTC"
    if last.next_due <= utc_now():
        return f"at the next pass, unless held back; by schedule since {due}"
    return f"{due} by schedule"
