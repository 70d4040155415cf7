"""The operators of the DAGs: one runs a command of the project, two announce new spans or versions to other DAGs."""

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

_GRACE = 30.0  # seconds that a command has to remove what it had begun to write


class CommandOperator(BaseOperator):
    """An operator that runs a command of the project; the command's output is the task's log."""

    template_fields: Sequence[str] = ("arguments",)

    def __init__(self, *, arguments: Sequence[str], final: Sequence[int], **kwargs: Any):
        """Describe a task.

        Args:
            arguments: of `python -m pipelines`.
            final: exit statuses after which Airflow must not retry.
            **kwargs: of every operator.
        """
        super().__init__(**kwargs)
        self.arguments = list(arguments)
        self.final = tuple(final)
        self._hook = SubprocessHook()

    def execute(self, context: Context) -> None:
        """Run the command to its end.

        Args:
            context: of Airflow; not used.

        Raises:
            AirflowFailException: A retry would end the same way.
            AirflowException: The command failed or was killed; Airflow retries.
        """
        command = [os.environ["PIPELINES_PYTHON"], "-W", "ignore", "-m", "pipelines", *self.arguments]
        result = self._hook.run_command(command, cwd=os.environ["PIPELINES_PROJECT"])
        status = result.exit_code
        if status in self.final:
            raise AirflowFailException(f"exit status {status}: refused, or used wrongly; see the lines above")
        if status:
            raise AirflowException(f"exit status {status}: failed, or killed; see the lines above")

    def on_kill(self) -> None:
        """Terminate the command, which then removes what it had begun to write.

        A command that hangs in a library ignores that. It is killed, since it would keep the folder locked for the
        retry.
        """
        process = self._hook.sub_process
        if process is None or process.poll() is not None:
            return
        self._hook.send_sigterm()
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # it leads its own process group


class AcceptedSpansOperator(BaseOperator):
    """An operator that announces accepted spans to other DAGs; it is skipped if there are none."""

    def __init__(self, *, ingestions: str, package: str, **kwargs: Any):
        """Describe a task.

        Args:
            ingestions: folder of the ingestions' records, of all the project's tasks.
            package: the value of `--task`: a name, or a dotted package.
            **kwargs: of every operator.
        """
        super().__init__(**kwargs)
        self.ingestions = ingestions
        self.package = package

    def execute(self, context: Context) -> None:
        """Read the records that ingestions of this task wrote since the DAG's run began; each retry may write one.

        Args:
            context: of Airflow, with the DAG's run.

        Raises:
            AirflowSkipException: No span was accepted.
        """
        began = context["dag_run"].start_date.replace(microsecond=0)  # records have whole seconds
        records = [json.loads(file.read_text()) for file in sorted(Path(self.ingestions).glob("*/summary.json"))]
        accepted = [
            span["span"]
            for record in records
            if record["task"] == self.package and datetime.datetime.fromisoformat(record["ended"]) >= began
            for span in record["spans"]
            if span["state"] == "accepted"
        ]
        if not accepted:
            raise AirflowSkipException("no new span was accepted")
        self.log.info("accepted: %s", ", ".join(accepted))


class NewVersionOperator(BaseOperator):
    """An operator that announces the version that a run pushed; it is skipped if there is none, as after a tie."""

    template_fields: Sequence[str] = ("record",)

    def __init__(self, *, record: str, **kwargs: Any):
        """Describe a task.

        Args:
            record: the run's summary.json.
            **kwargs: of every operator.
        """
        super().__init__(**kwargs)
        self.record = record

    def execute(self, context: Context) -> None:
        """Read the run's record.

        Args:
            context: of Airflow; not used.

        Raises:
            AirflowSkipException: No new version was pushed.
        """
        record = json.loads(Path(self.record).read_text())
        pushed = record["pushed"]
        if pushed is None or not pushed["new"]:
            raise AirflowSkipException(f"{record['status']}: no new version was pushed")
        self.log.info("pushed: %s", pushed["path"])
