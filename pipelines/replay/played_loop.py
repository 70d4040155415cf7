"""Run the retraining loop of a replay: its passes in this process, its commands in processes of their own."""

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

_NO_DRAIN = ("--drain", "0")  # seconds: no requests are sent while the roll-out moves the labels
_COMPARED = 400  # newest requests, about as many as a trial has
_TRIES = 4  # most passes that continue an earlier one; each failed step and each trial needs one


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlayedLoop:
    """The retraining loop of one task during a replay."""

    task: str
    var: Path
    arrived: Path  # folder in which spans arrive
    pattern: str | None  # of the spans' names
    policy: RetrainingPolicy  # of the task
    spans: int  # number of spans in the whole replay
    commands: Commands

    @property
    def options(self) -> ContinuousOptions:
        """Options of the loop, without a server."""
        return ContinuousOptions(task=self.task, var=self.var, source=self.arrived, pattern=self.pattern, once=True)

    def take_pass(self, begun: datetime.datetime, server: str | None = None) -> None:
        """Run a pass of the loop: ingest, monitor, decide, and if training is due, train and start the trial.

        Args:
            begun: when the first row of the window was sent, with time zone.
            server: HOST:GRPC_PORT:REST_PORT; None: no server runs yet.
        """
        until = datetime.datetime.now(datetime.UTC)
        self._take_pass(begun, until, server)
        self._continue_steps(begun, server, trial=False)

    def end_trial(self, begun: datetime.datetime, server: str) -> None:
        """Continue a trial that an earlier pass began: compare again, and promote or roll back.

        With too few requests the trial continues.

        Args:
            begun: when the first row of the window was sent, with time zone.
            server: HOST:GRPC_PORT:REST_PORT.
        """
        self._continue_steps(begun, server, trial=True)

    def _continue_steps(self, begun: datetime.datetime, server: str | None, *, trial: bool) -> None:
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
                arguments = (*_NO_DRAIN, *arguments)
            if "compare" in arguments:
                arguments = (*arguments, "--limit", str(max(_COMPARED, self.policy.trial.min_rows)))
            if command == "monitor":  # A span's rows cover all hours and weekdays, however fast they were sent.
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
