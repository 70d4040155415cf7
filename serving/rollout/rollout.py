"""One model's roll-out: where its files are, what state it is in, and steps that are done whole or put back."""

import contextlib
import dataclasses
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from serving import durable_file, file_lock, traffic_file
from serving.rollout import interrupts, step_log
from serving.rollout.admin_client import AdminClient
from serving.rollout.errors import FailedError, PreconditionError, RolloutError, ServerDownError
from serving.rollout.models_config import CANARY, STABLE, Assignment, ModelsConfig
from serving.rollout.step_log import ROLLBACK, RolloutState, StepLog, StepRecord, StepResult
from serving.rollout.transition import Transition

LOCK = "rollout.lock"  # beside models.config


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rollout:
    """What every command works with."""

    config_path: Path  # models.config; traffic, log and lock lie beside it
    model: str
    servers: Sequence[AdminClient]  # at least one
    versions_folder: Path  # the model's base_path as this machine sees it
    verify_keys: Path | None = None  # whose signatures count: a public key, or a folder; None: nothing is verified
    signature: str  # that requests name, which a version has to answer
    drain_seconds: float  # how long a version stays loaded after its labels are gone
    say: Callable[[str], None]  # takes a line for the operator

    @property
    def traffic_path(self) -> Path:
        """The file that the gateway reads."""
        return self.config_path.with_name(traffic_file.NAME)

    @property
    def log(self) -> StepLog:
        """The log of steps."""
        return StepLog(self.config_path.with_name(step_log.NAME))

    @property
    def transition(self) -> Transition:
        """Move the servers."""
        return Transition(model=self.model, servers=self.servers, drain_seconds=self.drain_seconds, say=self.say)

    def config(self) -> ModelsConfig:
        """models.config as it is now."""
        return ModelsConfig.read(self.config_path)

    def state(self) -> RolloutState:
        """Which versions are stable and on trial, as models.config says; without labels, as the servers answer."""
        config = self.config()
        labels = config.labels(self.model)
        stable = labels.get(STABLE)
        if stable is None:  # then requests name no label, and the highest version answers them
            stable = max(self.transition.available(), default=None)
        canary = labels.get(CANARY)
        return RolloutState(stable, canary if canary != stable else None, self.traffic())

    def traffic(self) -> float:
        """Return the percent of requests, 0 to 100, that go to the canary; 0 without a file.

        Raises:
            PreconditionError: The file does not say so.
        """
        try:
            return traffic_file.parse(self.traffic_path.read_text(encoding="utf-8", errors="replace"))
        except FileNotFoundError:
            return 0
        except ValueError as error:
            raise PreconditionError(
                f"{self.traffic_path} does not say which share goes to the canary: {error}; fix or remove the file."
            ) from error

    def set_traffic(self, percent: float) -> None:
        """Set the percent of requests that go to the canary."""
        if percent != self.traffic():
            durable_file.write_whole(self.traffic_path, traffic_file.text(percent))
            self.say(f"traffic   {percent:g}% to the canary")

    def versions_on_disk(self) -> list[int]:
        """The versions that were pushed, complete or not; oldest first.

        Raises:
            PreconditionError: The folder is not to be seen from here.
        """
        try:
            names = [entry.name for entry in self.versions_folder.iterdir() if entry.is_dir()]
        except OSError as error:
            raise PreconditionError(
                f"the versions of {self.model} cannot be listed: expected a folder at {self.versions_folder}, received "
                f"{error}; if the server sees it under another path than this machine, name it with --versions-folder."
            ) from error
        return sorted(int(name) for name in names if re.fullmatch(r"[1-9][0-9]*|0", name))

    @contextlib.contextmanager
    def locked(self, command: str) -> Iterator[None]:
        """Keep every other roll-out of these servers away.

        Raises:
            PreconditionError: Another roll-out is running.
        """
        path = self.config_path.with_name(LOCK)
        holder = f"{command} of {self.model} by {step_log.operator()}, process {os.getpid()}"
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(file_lock.exclusive(path, holder))
            except file_lock.FileLockedError as error:
                raise PreconditionError(
                    f"another roll-out is running: {error.holder or 'it has just started'}; expected no other; wait "
                    f"until it has ended ({path} is its lock)."
                ) from error
            yield

    @contextlib.contextmanager
    def step(self, command: str, before: RolloutState, after: RolloutState) -> Iterator[None]:
        """Record a step. If it fails or is interrupted, everything is put back as it was.

        Args:
            command: what the operator asked for.
            before: the state that the step starts from.
            after: the state that it is to reach.

        Raises:
            FailedError: The step failed. Says whether everything was put back.
        """
        record = StepRecord(
            time=step_log.timestamp(), who=step_log.operator(), command=command, model=self.model,
            before=before, after=after, result=StepResult.STARTED, config_before=self.config().text,
        )  # fmt: skip
        self.log.append(record)
        with self.ending(record):
            yield

    @contextlib.contextmanager
    def ending(self, record: StepRecord) -> Iterator[None]:
        """Bring a step that has started to its end, or back. A rollback sends no requests to the canary in any case.

        Args:
            record: of its start.

        Raises:
            FailedError: The step failed. Says whether everything was put back.
        """
        try:
            yield
        except BaseException as error:
            reason = str(error) if isinstance(error, RolloutError) else f"{type(error).__name__} {error}".strip()
            self.say(f"failing   {reason}")
            if record.command == ROLLBACK and isinstance(error, ServerDownError):
                self._write_target(record, error)
            else:
                self.put_back(record, reason)
            but = ", but no requests go to the canary" if _takes_share_away(record) else ""
            raise FailedError(f"{record.command} did not succeed, and everything is as it was before{but}.") from error
        self._end(record, StepResult.DONE)

    def put_back(self, record: StepRecord, reason: str) -> None:
        """Put back what a failed or killed step changed, and records it. After a rollback the share stays 0.

        Args:
            record: of the step's start; what was before stands there.
            reason: why.

        Raises:
            FailedError: A server could not be told. models.config is as it was; the traffic, too, but for a rollback.
        """
        percent = 0 if record.command == ROLLBACK else record.before.percent
        if _takes_share_away(record):
            detail, also = f"no requests go to the canary; {reason}", " and no requests go to the canary"
        else:
            detail, also = reason, ""
        try:
            with interrupts.signals_ignored():
                # A share goes down at once, and up only when its version is there again.
                self.set_traffic(min(percent, self.traffic()))
                try:
                    self._restore(self._config_before(record))
                finally:
                    self.set_traffic(percent)
        except RolloutError as error:
            self._end(record, StepResult.NOT_TOLD, f"{detail}; {error}")
            raise FailedError(
                f"{record.command} did not succeed: {reason} – {self.config_path} is as it was before{also}, but a "
                f"server could not be told: {error} Run `rollback` when it answers again."
            ) from error
        self._end(record, StepResult.PUT_BACK, detail)
        self.say(f"put back  {self.state()}")

    def _restore(self, original: ModelsConfig) -> None:
        """Each server for itself, so that one that is down keeps no other from being put back."""
        errors = []
        for server in self.servers:
            try:
                dataclasses.replace(self.transition, servers=[server]).restore(original)
            except RolloutError as error:
                errors.append(str(error))
        if errors:
            raise FailedError(" ".join(errors))

    def _write_target(self, record: StepRecord, error: ServerDownError) -> None:
        """Write a rollback's target into models.config while a server is down; the server reads it when it starts."""
        assert record.after.stable is not None, "a rollback goes to a version"
        self.set_traffic(0)
        self._config_before(record).assigning(self.model, Assignment.only(record.after.stable)).write()
        self._end(record, StepResult.NOT_TOLD, str(error))
        raise FailedError(
            f"{self.config_path} says {record.after} and no request goes to a canary, but a server could not be told: "
            f"{error} Run `rollback` again when it answers."
        ) from error

    def _config_before(self, record: StepRecord) -> ModelsConfig:
        if record.config_before is None:
            raise PreconditionError(
                f"{self.log.path}: the record of {record.command} at {record.time} does not say what models.config "
                "was; write the file by hand, move the log away, and run `reload`."
            )
        return ModelsConfig(self.config_path, record.config_before)

    def _end(self, record: StepRecord, result: StepResult, detail: str = "") -> None:
        config = record.config_before if result is StepResult.NOT_TOLD else None
        self.log.append(
            dataclasses.replace(record, time=step_log.timestamp(), result=result, detail=detail, config_before=config)
        )


def _takes_share_away(record: StepRecord) -> bool:
    """Whether a failed step leaves the canary without the share it had: a rollback does, whatever becomes of it."""
    return record.command == ROLLBACK and record.before.percent > 0
