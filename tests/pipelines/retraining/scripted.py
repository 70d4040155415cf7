"""The loop's surroundings, scripted: each command leaves the files that the real one leaves, in milliseconds.

models.config and the log of roll-outs are written by the product's own code; so are journal and decisions.
"""

import dataclasses
import datetime
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipelines.retraining import looking, loop
from pipelines.retraining.context import LoopContext
from pipelines.retraining.decision_log import DecisionLog
from pipelines.retraining.journal import JournalStore, Step
from pipelines.retraining.observations import ChosenSpan
from pipelines.retraining.options import ContinuousOptions
from pipelines.retraining.policy import Due, Limits, RetrainingPolicy
from pipelines.runs import run_record
from serving.rollout import step_log
from serving.rollout.models_config import Assignment, ModelsConfig
from serving.rollout.step_log import RolloutState, StepLog, StepRecord, StepResult

LOADED = (run_record,)  # what the loop only imports when it looks: a fork need not
START = datetime.datetime(2026, 3, 2, 6, tzinfo=datetime.UTC)
TRIAL_OVER = START + datetime.timedelta(hours=2)
POLICY = RetrainingPolicy(
    policy="auto",
    spans="last:2",
    due=Due(drift=True, performance=True, new_rows=100),
    window="1h",
    limits=Limits(cool_down="1h"),
    tell=("tell",),
)
OLD, NEW = "100", "101"  # versions
MINUTE = datetime.timedelta(minutes=1)


@dataclasses.dataclass
class World:
    """What lies around the loop; `calls`, `ingested` and `told` are files, since those who write them may be killed."""

    base: Path
    policy: RetrainingPolicy = POLICY
    server: tuple[str, ...] = ("127.0.0.1:8500:8501",)
    status: dict[str, int] = dataclasses.field(default_factory=dict)  # command -> exit status, when it is to fail
    run_status: str = "pushed"
    held_back: bool = False  # whether it was refused for a margin alone, as a tie that was to be pushed
    run_arguments: tuple[str, ...] = ()  # of the newest run
    experiment: str | None = None  # the name of it, where the run is one
    trained_on: tuple[str, ...] = ("2014Q1", "2014Q2")
    traffic: str = "alarm"  # verdicts
    performance: str = "worse"
    die_during: str | None = None  # the command that does its work and dies, with the loop, before it records it

    def __post_init__(self) -> None:
        for folder in (self.options.requests, self.options.folder, self.serving / OLD):
            folder.mkdir(parents=True, exist_ok=True)
        self.options.models_config.write_text(
            'model_config_list { config { name: "taxi" base_path: "/x" model_platform: "tensorflow" } }'
        )

    @property
    def options(self) -> ContinuousOptions:
        return ContinuousOptions(var=self.base / "var", source=self.base / "arrived", server=self.server, once=True)

    @property
    def serving(self) -> Path:
        return self.base / "var" / "serving" / "taxi"

    def context(self, now: datetime.datetime) -> LoopContext:
        return LoopContext(
            options=self.options, policy=self.policy, run=self.run, now=lambda: now, say=self.say, tell=self.tell
        )

    def take_pass(self, now: datetime.datetime = START) -> int:
        return loop.take_pass(self.context(now))

    def take_killed_pass(self, now: datetime.datetime, step: Step | None, *, after: bool = False) -> None:
        """Takes a pass in a fork that kills itself at a step: before it, or after it and before the journal says so."""
        if (process := os.fork()) == 0:
            try:
                if step is not None:
                    loop._STEPS = {**loop._STEPS, step: dying(loop._STEPS[step], after=after)}
                self.take_pass(now)
            finally:
                os._exit(99)
        _, status = os.waitpid(process, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL

    def run(self, package: str, *arguments: str) -> int:
        words = [word for word in arguments if word in _COMMANDS]
        command = words[-1]
        if command in self.status:
            self._note("calls", command)
            return self.status[command]
        status = getattr(self, f"_{command.replace('-', '_')}")(arguments)
        self._note("calls", command)
        return status or 0

    def say(self, line: str) -> None:
        self._note("said", line)

    def tell(self, program: object, text: str) -> str | None:
        self._note("told", text.strip())
        return None

    def lines(self, name: str) -> list[str]:
        """`calls`, `said` or `told`, in their order."""
        path = self.base / name
        return path.read_text().splitlines() if path.exists() else []

    def versions(self) -> list[str]:
        return sorted(path.name for path in self.serving.iterdir())

    def labels(self) -> dict[str, int]:
        return ModelsConfig.read(self.options.models_config).labels("taxi")

    def outcomes(self) -> list[tuple[str, str | None]]:
        return [(one["outcome"], one["version"]) for one in DecisionLog(self.options.folder).outcomes().values()]

    def acted(self) -> list[bool]:
        return [one.act for one in DecisionLog(self.options.folder).decisions()]

    def _note(self, name: str, line: str) -> None:
        with (self.base / name).open("a") as file:
            file.write(f"{line}\n")

    def _die_during(self, command: str) -> None:
        if self.die_during == command:
            os.kill(os.getpid(), signal.SIGKILL)

    def _ingest(self, arguments: Sequence[str]) -> None:
        self._note("ingested", " ".join(arguments))
        self._write("accepted.json", [["2014Q1", 1, 60], ["2014Q2", 1, 60]])

    def _monitor(self, arguments: object) -> None:
        number = len(list(self.options.var.glob("monitoring/taxi/*")))
        report = {"findings": [{"column": "fare"}], "anomalies": []}
        record = {
            "run_id": f"20260302-0600{number:02}", "verdict": self.traffic, "report": report, "error": None,
            "window": {"end": START.isoformat()},
        }  # fmt: skip
        self._write(f"var/monitoring/taxi/{record['run_id']}/summary.json", record)

    def _production_metrics(self, arguments: object) -> None:
        record = {
            "version": OLD, "window_end": START.isoformat(), "verdict": self.performance,
            "metric": "auc", "slice": "overall", "labelled": 400,
            "production": {"value": 0.9}, "promised": {"value": 0.95},
        }  # fmt: skip
        self._write("var/production_metrics/taxi.json", {"records": [record]})

    def _run(self, arguments: Sequence[str]) -> None:
        self.run_arguments = tuple(arguments)
        new = not (self.serving / NEW).exists()
        if self.run_status in ("pushed", "unchanged"):
            (self.serving / NEW).mkdir(exist_ok=True)
        self._die_during("run")
        number = len(list(self.options.var.glob("runs/*")))
        record = {
            "format": 2, "run_id": f"20260302-0601{number:02}", "task": "taxi", "started": START.isoformat(),
            "status": self.run_status if new else "unchanged", "nodes": [], "error": "no room",
            "gates": [{"gate": "Evaluator", "passed": self.run_status != "refused" or self.held_back, "reasons": []}],
            "spans": [{"span": name, "version": 1} for name in self.trained_on],
            "not_pushed": f"not distinguishable from {OLD}" if self.run_status == "tie" or self.held_back else None,
            "experiment": self.experiment and {"name": self.experiment, "note": None, "tags": []},
            "pushed": {"version": NEW, "path": "", "new": new} if (self.serving / NEW).exists() else None,
        }  # fmt: skip
        self._write(f"var/runs/{record['run_id']}/summary.json", record)

    def _pin(self, arguments: object) -> None:
        self._roll("pin", Assignment.only(int(OLD)))

    def _canary(self, arguments: object) -> None:
        self._roll("canary", Assignment.trial(int(OLD), int(NEW)))

    def _promote(self, arguments: object) -> None:
        self._roll("promote", Assignment.only(int(NEW)))

    def _compare(self, arguments: object) -> int | None:
        """As good."""
        return None

    def _rollback(self, arguments: Sequence[str]) -> int | None:
        """As the real one: puts a killed step back, or ends the trial."""
        record = self._log.unfinished_step("taxi")
        if record is not None and record.config_before is not None:
            ModelsConfig(self.options.models_config, record.config_before).write()
            self._log.append(dataclasses.replace(record, result=StepResult.PUT_BACK))
        elif "--only-unfinished" in arguments:
            return 2
        else:
            self._roll("rollback", Assignment.only(int(OLD)))
        return None

    @property
    def _log(self) -> StepLog:
        return StepLog(self.options.models_config.with_name(step_log.NAME))

    def _roll(self, command: str, target: Assignment) -> None:
        config = ModelsConfig.read(self.options.models_config)
        started = self.begin(command)
        config.assigning("taxi", target).write()
        self._die_during(command)
        self.end(started)

    def begin(self, command: str) -> StepRecord:
        """Records the begin of a roll-out step."""
        state = RolloutState(int(OLD), None, 0)
        after = RolloutState(int(OLD), int(NEW), 10) if command == step_log.CANARY else state
        started = StepRecord(
            time=step_log.timestamp(), who="test", command=command, model="taxi", before=state, after=after,
            result=StepResult.STARTED, config_before=ModelsConfig.read(self.options.models_config).text,
        )  # fmt: skip
        self._log.append(started)
        return started

    def end(self, started: StepRecord) -> None:
        """Records that a step was done."""
        self._log.append(dataclasses.replace(started, result=StepResult.DONE))

    def find(self, verdict: str) -> int:
        """Records a comparison that did not find the canary as good, as `rollout compare` does. Returns 1, as it."""
        state = RolloutState(int(OLD), int(NEW), 10)
        self._log.append(
            StepRecord(
                time=step_log.timestamp(),
                who="test",
                command="compare",
                model="taxi",
                before=state,
                after=state,
                result=StepResult.DONE,
                detail=f"canary {NEW} {verdict}",
            )
        )
        return 1

    def _write(self, name: str, content: Any) -> None:
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))


def with_policy(world: World, **changes: Any) -> None:
    world.policy = dataclasses.replace(POLICY, **changes)


def assert_old_version_answers(world: World) -> None:
    assert world.labels() == {"stable": int(OLD), "canary": int(OLD)}
    assert JournalStore(world.options.folder).read() is None


_COMMANDS = ("ingest", "monitor", "production-metrics", "run", "pin", "canary", "compare", "promote", "rollback")


def dying(handler: Callable, *, after: bool) -> Callable:
    """The handler of a step, which kills its process."""

    def die(*arguments: object) -> None:
        if after:
            handler(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    return die


def read_accepted(options: ContinuousOptions) -> list[ChosenSpan]:
    """In place of ML Metadata, which takes seconds to load: what the scripted ingestion accepted."""
    path = options.var.parent / "accepted.json"
    spans = json.loads(path.read_text()) if path.exists() else []
    return [ChosenSpan(name=name, version=version, rows=rows) for name, version, rows in spans]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(looking, "list_accepted", read_accepted)
    return World(tmp_path)
