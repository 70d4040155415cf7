"""From the push to the promotion, or back: `python -m serving rollout`, which does each step whole or not at all.

Before each step models.config says what was done already: so a step that a killed call had done is not done again,
and what a person did meanwhile is found.
"""

from pipelines.deployment import decision_threshold
from pipelines.production_metrics.windows import parse_length
from pipelines.retraining.context import BUSY, Failed, LoopContext, Paused, StepResult, advance, finish
from pipelines.retraining.journal import Journal, Step
from pipelines.retraining.look_steps import look_again
from pipelines.retraining.policy import AUTO
from pipelines.retraining.served import RolledOut, read_rolled_out, was_tried

PROMOTED, ROLLED_BACK = "promoted", "rolled back"  # outcomes


def pin(context: LoopContext, journal: Journal) -> StepResult:
    """Keeps the version that answers, so that the push alone changes nothing."""
    assert journal.decision is not None, "a decision was made"
    if not context.options.server or journal.decision.serving is None:
        return advance(journal, Step.TRAIN)
    found = _mended(context)
    if not isinstance(found, RolledOut):
        return found
    if found.stable is None and (status := _rollout(context, "pin")):
        return Failed(why=f"`rollout pin` ended with {status}")
    return advance(journal, Step.TRAIN)


def canary(context: LoopContext, journal: Journal) -> StepResult:
    """Puts the version on trial."""
    found = _mended(context)
    if not isinstance(found, RolledOut):
        return found
    if found.stable == journal.version:
        return finish(journal, PROMOTED, f"version {journal.version} answers already")
    if found.canary != journal.version:
        assert journal.version is not None, "the training pushed one"
        assert journal.decision is not None, "a decision was made"
        if was_tried(context.options, journal.version, journal.decision.time):  # By a call that was killed.
            return finish(journal, ROLLED_BACK, f"somebody ended the trial of version {journal.version}")
        status = _rollout(context, "canary", str(journal.version), "--percent", f"{context.policy.trial.percent:g}")
        if status:
            return Failed(why=f"`rollout canary {journal.version}` ended with {status}")
    return advance(journal, Step.COMPARE)


def compare(context: LoopContext, journal: Journal) -> StepResult:
    """Compares the two versions on logged requests."""
    result = _try_out(context, journal)
    if result is not None:
        return result
    return advance(journal, Step.TRIAL, not_before=context.now() + parse_length(context.policy.trial.length))


def end_trial(context: LoopContext, journal: Journal) -> StepResult:
    """Compares once more, on the trial's requests, too; then goes on to the promotion, or to a person."""
    result = _try_out(context, journal)
    if result is not None:
        return result
    if context.policy.policy == AUTO:
        return advance(journal, Step.PROMOTE)
    told = context.notify(
        f"{context.options.task}: version {journal.version} is as good as the one that answers, and waits: "
        "`make promote` or `make rollback`"
    )
    if told:
        return advance(journal, Step.AWAIT)
    look_again(context)
    return Paused(why=f"version {journal.version} waits for a person, whom the next pass tells again", status=1)


def wait_for_person(context: LoopContext, journal: Journal) -> StepResult:
    """Waits until a person has promoted the version or rolled it back; looks meanwhile."""
    found = read_rolled_out(context.options)
    if found.unfinished is None and (ended := _ended_by_a_person(journal, found)) is not None:
        return ended
    status = look_again(context)
    return Paused(why=f"version {journal.version} waits for a person: `make promote` or `make rollback`", status=status)


def promote(context: LoopContext, journal: Journal) -> StepResult:
    """Makes the version the stable one."""
    found = _mended(context)
    if not isinstance(found, RolledOut):
        return found
    if found.stable != journal.version:
        if (ended := _ended_by_a_person(journal, found)) is not None:
            return ended
        if context.policy.policy != AUTO:  # It changed since; a person is asked.
            return advance(journal, Step.TRIAL)
        if status := _rollout(context, "promote", "--version", str(journal.version)):
            return Failed(why=f"`rollout promote` ended with {status}")
    assert journal.decision is not None, "a decision was made"
    return finish(journal, PROMOTED, f"version {journal.version} answers instead of {journal.decision.serving}")


def roll_back(context: LoopContext, journal: Journal) -> StepResult:
    """Ends the trial."""
    found = _mended(context)
    if not isinstance(found, RolledOut):
        return found
    if found.canary == journal.version and (status := _rollout(context, "rollback", "--version", str(journal.version))):
        return Failed(why=f"`rollout rollback` ended with {status}")
    assert journal.outcome is not None, "who rolls back says why"
    if found.stable == journal.version:
        return finish(journal, PROMOTED, f"version {journal.version} answers already")
    return finish(journal, journal.outcome, f"{journal.detail}; version {found.stable} still answers")


def _try_out(context: LoopContext, journal: Journal) -> StepResult | None:
    """Compares the two versions; None: the one on trial is as good."""
    found = _mended(context)
    if not isinstance(found, RolledOut):
        return found
    if (ended := _ended_by_a_person(journal, found)) is not None:
        return ended
    trial = context.policy.trial
    limits = [
        "--min-rows", str(trial.min_rows), "--mean-difference", str(trial.mean_difference),
        "--p95-difference", str(trial.p95_difference), "--changed-decisions", str(trial.changed_decisions),
        "--threshold", str(decision_threshold(context.options.name)),
    ]  # fmt: skip
    status = _rollout(context, "compare", str(context.options.requests), *limits)
    if not status:
        return None
    after = read_rolled_out(context.options)
    if after.comparisons > found.comparisons:  # Else it ended without a verdict, and the last one is an older one.
        if after.worse is not None:
            return advance(journal, Step.ROLL_BACK, outcome=ROLLED_BACK, detail=after.worse)
        if after.unjudged is not None:
            context.say(f"unknown    {after.unjudged}; the trial goes on")
            return advance(journal, journal.step, not_before=context.now() + parse_length(trial.length))
    return Failed(why=f"`rollout compare` ended with {status}")


def _mended(context: LoopContext) -> RolledOut | Failed | Paused:
    """What is rolled out, once a step that was killed is put back; one that runs now is waited for."""
    found = read_rolled_out(context.options)
    if found.unfinished is None:
        return found
    status = _rollout(context, "rollback", "--only-unfinished")
    if status not in (0, BUSY):
        return Failed(why=f"`rollout rollback`, to mend a killed {found.unfinished}, ended with {status}")
    after = read_rolled_out(context.options)
    if status == BUSY and after.unfinished is not None:
        return Paused(why=f"`rollout {found.unfinished}` runs, or cannot be mended (above)", status=BUSY)
    return after


def _ended_by_a_person(journal: Journal, found: RolledOut) -> Journal | None:
    """The end of a trial that is no more; None while it goes on."""
    if found.stable == journal.version:
        return finish(journal, PROMOTED, f"somebody promoted version {journal.version}")
    if found.canary != journal.version:
        return finish(journal, ROLLED_BACK, f"somebody ended the trial of version {journal.version}")
    return None


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
