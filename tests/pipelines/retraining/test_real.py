"""The loop over the real pipelines of a small task: what arrives is ingested, trained on and pushed, once."""

import dataclasses
import datetime
from pathlib import Path

import pytest

from pipelines.retraining.context import LoopContext
from pipelines.retraining.decision_log import DecisionLog
from pipelines.retraining.journal import Journal, JournalStore, Step
from pipelines.retraining.loop import take_pass
from pipelines.retraining.options import ContinuousOptions
from pipelines.retraining.policy import read_policy
from tests.runs.in_process import ingest_here, run_here
from tests.runs.project import DIABETES
from tests.tasks.diabetes import data

pytestmark = pytest.mark.pipeline


def this_second() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


@dataclasses.dataclass
class Site:
    """A folder in which spans arrive, and the loop over it; its commands are called in this process."""

    base: Path
    now: datetime.datetime = dataclasses.field(default_factory=this_second)
    said: list[str] = dataclasses.field(default_factory=list)
    calls: list[str] = dataclasses.field(default_factory=list)

    @property
    def options(self) -> ContinuousOptions:
        return ContinuousOptions(task=DIABETES, var=self.base / "var", source=self.base / "arrived", once=True)

    def take_pass(self) -> int:
        policy = read_policy(DIABETES)
        context = LoopContext(
            options=self.options, policy=policy, run=self._run, say=self.said.append, now=lambda: self.now
        )
        return take_pass(context)

    def _run(self, package: str, command: str, *arguments: str) -> int:
        """Runs the command line that the loop has made, but for `--task` and `--var`, which the callee gives."""
        self.calls.append(command)
        rest = arguments[4:]
        if command == "ingest":
            return ingest_here(self.options.var, self.base / "arrived", *rest[2:], task=DIABETES).status
        return run_here(self.options.var, *rest).status

    def versions(self) -> list[str]:
        return sorted(path.name for path in (self.options.var / "serving" / "diabetes").iterdir())

    def outcomes(self) -> list[str]:
        return [one["outcome"] for one in DecisionLog(self.options.folder).outcomes().values()]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two spans arrived, and a pass was taken."""
    site = Site(tmp_path_factory.mktemp("loop"))
    head, *rows = (data.prepare(site.base / "all") / "patients.csv").read_text().splitlines(keepends=True)
    (site.base / "arrived").mkdir()
    site.options.folder.mkdir(parents=True)
    for number, part in enumerate((rows[0::2], rows[1::2]), start=1):
        (site.base / "arrived" / f"part-{number}.csv").write_text(head + "".join(part))
    assert site.take_pass() == 0, site.said
    return site


def test_the_first_pass_trains_on_what_was_accepted_and_pushes(site: Site) -> None:
    assert site.calls == ["ingest", "run"]
    (decision,) = DecisionLog(site.options.folder).decisions()
    assert (decision.act, decision.spans, decision.rows) == (True, {"1": 1, "2": 1}, 442)
    assert len(site.versions()) == 1
    assert site.said[-1].endswith(f"pushed version {site.versions()[0]}, the first one")


def test_killed_after_the_push_and_before_its_record_the_next_call_pushes_nothing_more(site: Site) -> None:
    """The journal and the records as such a kill leaves them: at the training, without the record of the run."""
    (decision,) = DecisionLog(site.options.folder).decisions()
    pushed = site.versions()
    (record,) = site.options.var.glob("runs/2*/summary.json")
    record.unlink()
    JournalStore(site.options.folder).write(Journal(id=decision.id, step=Step.TRAIN, decision=decision))
    site.calls.clear()
    assert site.take_pass() == 0, site.said
    assert site.calls == []
    assert site.versions() == pushed
    assert site.outcomes() == ["pushed"]


def test_without_new_rows_the_next_pass_trains_nothing(site: Site) -> None:
    site.now += datetime.timedelta(hours=1)
    site.calls.clear()
    assert site.take_pass() == 0, site.said
    assert site.calls == ["ingest"]
    assert not DecisionLog(site.options.folder).decisions()[-1].act
    assert "not due    new rows: 0 accepted rows that the last training had not; 100 make it due" in site.said
