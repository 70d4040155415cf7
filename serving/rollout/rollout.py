"""One model's roll-out: its files, its state, and steps that either complete or are undone."""

import contextlib
import dataclasses
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from serving import durable_file, file_lock, traffic_file
from serving.rollout import interrupts, step_log
from serving.rollout.admin_client import AdminClient
from serving.rollout.errors import DiffersError, FailedError, PreconditionError, RolloutError, ServerDownError
from serving.rollout.models_config import CANARY, STABLE, Assignment, ModelsConfig
from serving.rollout.step_log import ROLLBACK, RolloutState, StepLog, StepRecord, StepResult
from serving.rollout.transition import Transition

LOCK = "rollout.lock"  # in the folder of models.config


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rollout:
    """The model, files and servers that every command works with."""

    config_path: Path  # models.config; traffic.json, log and lock are in its folder
    model: str
    servers: Sequence[AdminClient]  # at least one
    versions_folder: Path  # the model's base_path as this machine sees it
    verify_keys: Path | None = None  # a trusted public key, or a folder of them; None: signatures are not verified
    signature: str  # the signature of the requests, which a version must have
    drain_seconds: float  # seconds that a version stays loaded after it loses its labels
    say: Callable[[str], None]  # prints a line for the operator

    @property
    def traffic_path(self) -> Path:
        """Return the path of traffic.json, which the gateway reads."""
        return self.config_path.with_name(traffic_file.NAME)

    @property
    def log(self) -> StepLog:
        """Return the log of steps."""
        return StepLog(self.config_path.with_name(step_log.NAME))

    @property
    def transition(self) -> Transition:
        """Return the transition, which changes the servers."""
        return Transition(model=self.model, servers=self.servers, drain_seconds=self.drain_seconds, say=self.say)

    def config(self) -> ModelsConfig:
        """Read models.config."""
        return ModelsConfig.read(self.config_path)

    def state(self) -> RolloutState:
        """Return the stable version and the canary by models.config; without labels, by what the servers answer."""
        config = self.config()
        labels = config.labels(self.model)
        stable = labels.get(STABLE)
        if stable is None:  # then requests name no label, and the highest version answers them
            stable = max(self.transition.available(), default=None)
        canary = labels.get(CANARY)
        return RolloutState(stable, canary if canary != stable else None, self.traffic())

    def traffic(self) -> float:
        """Return the percent of requests, 0 to 100, that go to the canary; 0 without a file.

        Returns:
            The percent.

        Raises:
            PreconditionError: The file holds no such number.
        """
        try:
            return traffic_file.parse(self.traffic_path.read_text(encoding="utf-8", errors="replace"))
        except FileNotFoundError:
            return 0
        except ValueError as error:
            raise PreconditionError(
                f"{self.traffic_path} holds no share for the canary: {error}; correct or remove the file."
            ) from error

    def set_traffic(self, percent: float) -> None:
        """Set the percent of requests that go to the canary."""
        if percent != self.traffic():
            durable_file.write_whole(self.traffic_path, traffic_file.text(percent))
            self.say(f"traffic   {percent:g}% to the canary")

    def versions_on_disk(self) -> list[int]:
        """Return the pushed versions, complete or not; oldest first.

        Returns:
            The numbers of the versions.

        Raises:
            PreconditionError: The folder cannot be read from this machine.
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
        """Exclude every other roll-out of these servers during the block.

        Args:
            command: the command's name, for the lock's holder.

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
                    f"another roll-out is running: expected no other, received "
                    f"{error.holder or 'one that has just started'}; wait until it has ended ({path} is its lock)."
                ) from error
            yield

    @contextlib.contextmanager
    def step(self, command: str, before: RolloutState, after: RolloutState) -> Iterator[None]:
        """Record a step. If it fails or is interrupted, undo it.

        Args:
            command: the command's name.
            before: the state that the step starts from.
            after: the state that it should reach.

        Raises:
            FailedError: The step failed. The message says whether it was undone.
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
        """Complete a started step, or undo it. A rollback sends no requests to the canary in any case.

        Args:
            record: of its start.

        Raises:
            FailedError: The step failed. The message says whether it was undone.
        """
        try:
            yield
        except BaseException as error:
            reason = str(error) if isinstance(error, RolloutError) else f"{type(error).__name__} {error}".strip()
            if not isinstance(error, DiffersError):  # its verdict is printed already
                self.say(f"failing   {reason}")
            if record.command == ROLLBACK and isinstance(error, ServerDownError):
                self._write_target(record, error)
            else:
                self.put_back(record, reason)
            but = ", but no requests go to the canary" if _takes_share_away(record) else ""
            raise FailedError(f"{record.command} did not succeed, and everything is as it was before{but}.") from error
        self._end(record, StepResult.DONE)

    def put_back(self, record: StepRecord, reason: str) -> None:
        """Undo a failed or killed step, and record that. After a rollback the canary's share stays 0.

        Args:
            record: of the step's start, with the state before.
            reason: why the step failed.

        Raises:
            FailedError: A server did not answer. models.config is restored, and so is the traffic except after a
                rollback.
        """
        percent = 0 if record.command == ROLLBACK else record.before.percent
        if _takes_share_away(record):
            detail, also = f"no requests go to the canary; {reason}", " and no requests go to the canary"
        else:
            detail, also = reason, ""
        try:
            with interrupts.signals_ignored():
                # Lower the share at once; raise it only when its version is loaded again.
                self.set_traffic(min(percent, self.traffic()))
                try:
                    self._restore(self._config_before(record))
                finally:
                    self.set_traffic(percent)
        except RolloutError as error:
            self._end(record, StepResult.NOT_TOLD, f"{detail}; {error}")
            raise FailedError(
                f"{record.command} did not succeed: {reason} – {self.config_path} is as it was before{also}, but a "
                f"server did not receive it: {error} Run `rollback` when it answers again."
            ) from error
        self._end(record, StepResult.PUT_BACK, detail)
        self.say(f"put back  {self.state()}")

    def _restore(self, original: ModelsConfig) -> None:
        """Restore each server separately, so that one that is down does not prevent the others."""
        errors = []
        for server in self.servers:
            try:
                dataclasses.replace(self.transition, servers=[server]).restore(original)
            except RolloutError as error:
                errors.append(str(error))
        if errors:
            raise FailedError(" ".join(errors))

    def _write_target(self, record: StepRecord, error: ServerDownError) -> None:
        """Write a rollback's target into models.config while a server is down, for the server's next start."""
        assert record.after.stable is not None, "a rollback goes to a version"
        self.set_traffic(0)
        self._config_before(record).assigning(self.model, Assignment.only(record.after.stable)).write()
        self._end(record, StepResult.NOT_TOLD, str(error))
        raise FailedError(
            f"{self.config_path} names {record.after} and no request goes to a canary, but a server did not receive "
            f"it: {error} Run `rollback` again when it answers."
        ) from error

    def _config_before(self, record: StepRecord) -> ModelsConfig:
        if record.config_before is None:
            raise PreconditionError(
                f"{self.log.path}: the record of {record.command} at {record.time} lacks the text of models.config "
                "before the step; write the file by hand, move the log away, and run `reload`."
            )
        return ModelsConfig(self.config_path, record.config_before)

    def _end(self, record: StepRecord, result: StepResult, detail: str = "") -> None:
        config = record.config_before if result is StepResult.NOT_TOLD else None
        self.log.append(
            dataclasses.replace(record, time=step_log.timestamp(), result=result, detail=detail, config_before=config)
        )


def _takes_share_away(record: StepRecord) -> bool:
    """Return whether a failed step leaves the canary without its share, as every rollback does."""
    return record.command == ROLLBACK and record.before.percent > 0
