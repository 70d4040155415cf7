"""The operators of the DAGs: a command of the project, and two tasks that announce what is new to other DAGs."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

_GRACE = 30.0  # seconds that a command has to clear what it had begun to write


class CommandOperator(BaseOperator):
    """Runs a command of the project, and takes what it says for the task's log."""

    template_fields: Sequence[str] = ("arguments",)

    def __init__(self, *, arguments: Sequence[str], final: Sequence[int], **kwargs: Any):
        """Describes a task.

        Args:
            arguments: of `python -m pipelines`.
            final: exit statuses that another try cannot mend.
            **kwargs: of every operator.
        """
        super().__init__(**kwargs)
        self.arguments = list(arguments)
        self.final = tuple(final)
        self._hook = SubprocessHook()

    def execute(self, context: Context) -> None:
        """Runs the command to its end.

        Raises:
            AirflowFailException: Another try would end the same.
            AirflowException: It failed, or was killed; Airflow tries again.
        """
        command = [os.environ["PIPELINES_PYTHON"], "-W", "ignore", "-m", "pipelines", *self.arguments]
        result = self._hook.run_command(command, cwd=os.environ["PIPELINES_PROJECT"])
        status = result.exit_code
        if status in self.final:
            raise AirflowFailException(f"exit status {status}: refused, or asked in the wrong way; see the lines above")
        if status:
            raise AirflowException(f"exit status {status}: failed, or killed; see the lines above")

    def on_kill(self) -> None:
        """Stops the command, which clears what it had begun to write.

        One that hangs in a library does not hear of it. It is killed, since it would hold the folder against the next
        try.
        """
        process = self._hook.sub_process
        if process is None or process.poll() is not None:
            return
        self._hook.send_sigterm()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # It leads its own group.


class AcceptedSpansOperator(BaseOperator):
    """Announces that there is something new to train on: a span that was accepted; is skipped otherwise."""

    def __init__(self, *, ingestions: str, package: str, **kwargs: Any):
        """Describes a task.

        Args:
            ingestions: the folder of the ingestions' records, of all tasks of the project.
            package: what `--task` calls the one that this is about.
            **kwargs: of every operator.
        """
        super().__init__(**kwargs)
        self.ingestions = ingestions
        self.package = package

    def execute(self, context: Context) -> None:
        """Reads the records of this task that were written since the DAG's run began: of each try there may be one.

        Raises:
            AirflowSkipException: No span was accepted.
        """
        began = context["dag_run"].start_date.replace(microsecond=0)  # A record names no fraction of a second.
        records = [json.loads(file.read_text()) for file in sorted(Path(self.ingestions).glob("*/summary.json"))]
        accepted = [
            span["span"]
            for record in records
            if record["task"] == self.package and datetime.datetime.fromisoformat(record["ended"]) >= began
            for span in record["spans"]
            if span["state"] == "accepted"
        ]
        if not accepted:
            raise AirflowSkipException("no span was accepted that was not before")
        self.log.info("accepted: %s", ", ".join(accepted))


class NewVersionOperator(BaseOperator):
    """Announces a version that this run has pushed; is skipped otherwise, as after a tie."""

    template_fields: Sequence[str] = ("record",)

    def __init__(self, *, record: str, **kwargs: Any):
        """Describes a task.

        Args:
            record: the run's summary.json.
            **kwargs: of every operator.
        """
        super().__init__(**kwargs)
        self.record = record

    def execute(self, context: Context) -> None:
        """Reads the run's record.

        Raises:
            AirflowSkipException: No new version was pushed.
        """
        record = json.loads(Path(self.record).read_text())
        pushed = record["pushed"]
        if pushed is None or not pushed["new"]:
            raise AirflowSkipException(f"{record['status']}: no new version was pushed")
        self.log.info("pushed: %s", pushed["path"])
