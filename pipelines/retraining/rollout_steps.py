"""The steps of a pass from the push to promotion or rollback, by commands of `python -m serving rollout`.

Each step first reads from models.config what was done already. So a step that a killed call completed is not repeated,
and a promotion or rollback by a person is noticed.
"""

from pipelines.deployment import named_threshold
from pipelines.production_metrics.windows import parse_length
from pipelines.retraining.context import BUSY, Failed, LoopContext, Paused, StepResult, advance, finish
from pipelines.retraining.journal import Journal, Step
from pipelines.retraining.look_steps import look_again
from pipelines.retraining.policy import AUTO
from pipelines.retraining.served import RolledOut, read_rolled_out, was_tried

PROMOTED, ROLLED_BACK = "promoted", "rolled back"  # outcomes


def pin(context: LoopContext, journal: Journal) -> StepResult:
    """Pin the version that answers, so that the push alone changes nothing."""
    assert journal.decision is not None, "a decision was made"
    if not context.options.server or journal.decision.serving is None:
        return advance(journal, Step.TRAIN)
    found = _repair(context)
    if not isinstance(found, RolledOut):
        return found
    if found.stable is None and (status := _rollout(context, "pin")):
        return Failed(why=f"`rollout pin` ended with {status}")
    return advance(journal, Step.TRAIN)


def canary(context: LoopContext, journal: Journal) -> StepResult:
    """Put the version on trial."""
    found = _repair(context)
    if not isinstance(found, RolledOut):
        return found
    if found.stable == journal.version:
        return finish(journal, PROMOTED, f"version {journal.version} answers already")
    if found.canary != journal.version:
        assert journal.version is not None, "the training pushed one"
        assert journal.decision is not None, "a decision was made"
        if was_tried(context.options, journal.version, journal.decision.time):  # by a call that was killed
            return finish(journal, ROLLED_BACK, _ended_outside(journal))
        status = _rollout(context, "canary", str(journal.version), "--percent", f"{context.policy.trial.percent:g}")
        if status:
            return Failed(why=f"`rollout canary {journal.version}` ended with {status}")
    return advance(journal, Step.COMPARE)


def compare(context: LoopContext, journal: Journal) -> StepResult:
    """Compare the two versions on logged requests."""
    result = _compare(context, journal)
    if result is not None:
        return result
    return advance(journal, Step.TRIAL, not_before=context.now() + parse_length(context.policy.trial.length))


def end_trial(context: LoopContext, journal: Journal) -> StepResult:
    """Compare again, with the trial's requests; then promote, or wait for a person."""
    result = _compare(context, journal)
    if result is not None:
        return result
    if context.policy.policy == AUTO:
        return advance(journal, Step.PROMOTE)
    told = context.notify(
        f"{context.options.task}: version {journal.version} answers within the limits of the trial, and waits: "
        "`make promote` or `make rollback`"
    )
    if told:
        return advance(journal, Step.AWAIT)
    look_again(context)
    return Paused(why=f"version {journal.version} waits for a person, whom the next pass notifies again", status=1)


def wait_for_person(context: LoopContext, journal: Journal) -> StepResult:
    """Wait until a person has promoted the version or rolled it back; ingest, monitor and measure meanwhile."""
    found = read_rolled_out(context.options)
    if found.unfinished is None and (ended := _find_end(journal, found)) is not None:
        return ended
    status = look_again(context)
    return Paused(why=f"version {journal.version} waits for a person: `make promote` or `make rollback`", status=status)


def promote(context: LoopContext, journal: Journal) -> StepResult:
    """Make the version the stable one."""
    found = _repair(context)
    if not isinstance(found, RolledOut):
        return found
    if found.stable != journal.version:
        if (ended := _find_end(journal, found)) is not None:
            return ended
        if context.policy.policy != AUTO:  # the policy was edited meanwhile: ask a person
            return advance(journal, Step.TRIAL)
        if status := _rollout(context, "promote", "--version", str(journal.version)):
            return Failed(why=f"`rollout promote` ended with {status}")
    assert journal.decision is not None, "a decision was made"
    return finish(journal, PROMOTED, f"version {journal.version} answers instead of {journal.decision.serving}")


def roll_back(context: LoopContext, journal: Journal) -> StepResult:
    """End the trial."""
    found = _repair(context)
    if not isinstance(found, RolledOut):
        return found
    if found.canary == journal.version and (status := _rollout(context, "rollback", "--version", str(journal.version))):
        return Failed(why=f"`rollout rollback` ended with {status}")
    assert journal.outcome is not None, "the step before set the outcome"
    if found.stable == journal.version:
        return finish(journal, PROMOTED, f"version {journal.version} answers already")
    return finish(journal, journal.outcome, f"{journal.detail}; version {found.stable} still answers")


def _compare(context: LoopContext, journal: Journal) -> StepResult | None:
    """Compare the two versions, and return what follows; None: the one on trial answers within the limits."""
    found = _repair(context)
    if not isinstance(found, RolledOut):
        return found
    if (ended := _find_end(journal, found)) is not None:
        return ended
    trial = context.policy.trial
    limits: dict[str, float | None] = {
        "--min-rows": trial.min_rows,
        "--mean-difference": trial.mean_difference,
        "--p95-difference": trial.p95_difference,
        "--changed-decisions": trial.changed_decisions,
        "--threshold": named_threshold(context.options.name),
    }
    options = [word for option, value in limits.items() if value is not None for word in (option, str(value))]
    status = _rollout(context, "compare", str(context.options.requests), *options)
    if not status:
        return None
    after = read_rolled_out(context.options)
    if after.comparisons > found.comparisons:  # otherwise it ended without a verdict
        if after.differs is not None:
            return advance(journal, Step.ROLL_BACK, outcome=ROLLED_BACK, detail=after.differs)
        if after.unjudged is not None:
            context.say(f"unknown    {after.unjudged}; the trial goes on")
            return advance(journal, journal.step, not_before=context.now() + parse_length(trial.length))
    return Failed(why=f"`rollout compare` ended with {status}")


def _repair(context: LoopContext) -> RolledOut | Failed | Paused:
    """Undo a step of a roll-out that was killed, and return what is rolled out; wait for a step that is running."""
    found = read_rolled_out(context.options)
    if found.unfinished is None:
        return found
    status = _rollout(context, "rollback", "--only-unfinished")
    if status not in (0, BUSY):
        return Failed(why=f"`rollout rollback`, to repair a killed {found.unfinished}, ended with {status}")
    after = read_rolled_out(context.options)
    if status == BUSY and after.unfinished is not None:
        return Paused(why=f"`rollout {found.unfinished}` runs, or cannot be repaired (above)", status=BUSY)
    return after


def _find_end(journal: Journal, found: RolledOut) -> Journal | None:
    """Return the journal with its outcome if the trial was ended outside the loop; None while it goes on."""
    if found.stable == journal.version:
        return finish(journal, PROMOTED, f"version {journal.version} was promoted outside the loop")
    if found.canary != journal.version:
        return finish(journal, ROLLED_BACK, _ended_outside(journal))
    return None


def _ended_outside(journal: Journal) -> str:
    return f"the trial of version {journal.version} was ended outside the loop"


def _rollout(context: LoopContext, *command: str) -> int:
    options = context.options
    servers = [word for server in options.server for word in ("--server", server)]
    given = {
        "--verify-keys": options.verify_keys,
        "--tls-ca": options.tls_ca,
        "--tls-certificate": options.tls_certificate,
        "--tls-key": options.tls_key,
        "--tls-server-name": options.tls_server_name,
    }
    trusted = [word for option, value in given.items() if value for word in (option, str(value))]
    tls = ["--tls"] if options.tls else []
    return context.run(
        "serving", "rollout", "--model-config-file", str(options.models_config), "--model", options.name, *servers,
        "--versions-folder", str(options.var / "serving" / options.name), *trusted, *tls, *command,
    )  # fmt: skip
