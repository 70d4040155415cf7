"""The retraining loop of a replay: its passes are taken in this process, its commands run as processes of their own."""

import dataclasses
import datetime
import math
import time
from pathlib import Path

from pipelines.replay.played_policy import compress_policy
from pipelines.replay.processes import Commands
from pipelines.retraining.context import LoopContext
from pipelines.retraining.journal import JournalStore, Step
from pipelines.retraining.loop import take_pass
from pipelines.retraining.options import ContinuousOptions
from pipelines.retraining.policy import RetrainingPolicy

_AT_REST = ("--drain", "0")  # seconds: nobody asks while the roll-out moves the labels
_COMPARED = 400  # requests, the newest: about what a trial sees
_TRIES = 4  # passes that go on with what an earlier one began; each failed step and each trial needs one


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlayedLoop:
    """The loop of one task."""

    task: str
    var: Path
    arrived: Path  # where spans arrive
    pattern: str | None  # of their names
    policy: RetrainingPolicy  # of the task
    spans: int  # of the whole replay
    commands: Commands

    @property
    def options(self) -> ContinuousOptions:
        """The loop's options; no server."""
        return ContinuousOptions(task=self.task, var=self.var, source=self.arrived, pattern=self.pattern, once=True)

    def take_pass(self, begun: datetime.datetime, server: str | None = None) -> None:
        """Take a pass: ingests, looks, decides, and trains when it is due, up to the trial beside the stable version.

        Args:
            begun: when the first row of the window was sent, with time zone.
            server: HOST:GRPC_PORT:REST_PORT; None: there is none yet.
        """
        until = datetime.datetime.now(datetime.UTC)
        self._take_pass(begun, until, server)
        self._go_on(begun, server, trial=False)

    def end_trial(self, begun: datetime.datetime, server: str) -> None:
        """Goe on with a trial that an earlier pass began: compares once more, promotes or rolls back.

        With too few requests the trial goes on.
        """
        self._go_on(begun, server, trial=True)

    def _go_on(self, begun: datetime.datetime, server: str | None, *, trial: bool) -> None:
        for _ in range(_TRIES):
            journal = JournalStore(self.options.folder).read()
            if journal is None or (journal.step == Step.TRIAL and not trial):
                return
            now = datetime.datetime.now(datetime.UTC)
            if journal.not_before is not None and journal.not_before > now:
                time.sleep((journal.not_before - now).total_seconds())
            self._take_pass(begun, datetime.datetime.now(datetime.UTC), server)

    def _take_pass(self, begun: datetime.datetime, until: datetime.datetime, server: str | None) -> None:
        seconds = math.ceil((until - begun).total_seconds())

        def run(package: str, command: str, *arguments: str) -> int:
            if command == "rollout":
                arguments = (*_AT_REST, *arguments)
            if "compare" in arguments:
                arguments = (*arguments, "--limit", str(max(_COMPARED, self.policy.trial.min_rows)))
            if command == "monitor":  # The rows of a span are a fair mix of hours and weekdays, however fast they came.
                arguments = (*arguments, "--until", until.isoformat(), "--fair-mix")
            return self.commands.run(package, command, *arguments)

        take_pass(
            LoopContext(
                options=dataclasses.replace(self.options, server=(server,) if server else ()),
                policy=compress_policy(self.policy, seconds, self.spans),
                say=self.commands.say,
                run=run,
            )
        )
