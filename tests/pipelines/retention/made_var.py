"""A folder of four trainings, each pushed, with ML Metadata and files, as runs leave them."""

import json
from pathlib import Path

from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb

from components.artifacts import INFRA_BLESSING_MODEL_URI, DataBlessing
from pipelines.retention.plan import RemovalPlan
from pipelines.runner.integrity import digest_path
from pipelines.runner.metadata_cleanup import open_metadata_store
from tests.pipelines.runs.made_history import MadeHistory


class MadeVar:
    """Runs 1 to 4 of one task: 1 and 2 on the same rows, 3 and 4 on others; each pushes the version of its number."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.ids: dict[str, int] = {}  # what and of which run, such as `model 3` -> artifact
        self._history = MadeHistory(var)
        for number in (1, 2, 3, 4):
            self._train(number)
        digests = {artifact.uri: digest_path(Path(artifact.uri)) for artifact in self.store().get_artifacts()}
        (var / "artifacts" / "taxi" / "digests.json").write_text(json.dumps(digests))

    def store(self) -> MetadataStore:
        return open_metadata_store(self.var / "metadata.sqlite")

    def live(self) -> set[str]:
        """Names of the artifacts that ML Metadata says exist."""
        states = {artifact.id: artifact.state for artifact in self.store().get_artifacts()}
        return {name for name, id in self.ids.items() if states[id] == pb.Artifact.LIVE}

    def gone(self, plan: RemovalPlan) -> set[str]:
        """Names of the artifacts that a plan removes."""
        ids = {item.artifact for item in plan.remove}
        return {name for name, id in self.ids.items() if id in ids}

    def broken(self) -> list[str]:
        """URIs of artifacts that are said to exist and do not, or not as a whole."""
        found = [one.uri for one in self.store().get_artifacts() if one.state == pb.Artifact.LIVE]
        return [uri for uri in found if sorted(path.name for path in Path(uri).glob("*")) != ["a", "b"]]

    def runs(self) -> list[str]:
        return sorted(path.name for path in (self.var / "runs").iterdir() if path.is_dir())

    def versions(self) -> list[str]:
        return sorted(path.name for path in (self.var / "serving" / "taxi").iterdir())

    def serve(self, text: str) -> None:
        """Writes a models.config that says this of the model's versions."""
        (self.var / "serving" / "models.config").write_text(
            f'model_config_list {{ config {{ name: "taxi" base_path: "/x" model_platform: "tensorflow" {text} }} }}'
        )

    def monitor(self, *numbers: int, answered_by: int) -> None:
        """Looks at the traffic that a version answered."""
        self._history = MadeHistory(self.var)  # The database may be a copy by now.
        for number in numbers:
            self._monitor(number, answered_by)

    def try_other_data(self, number: int) -> None:
        """Adds an experiment on rows of its own, which AnomalyGate accepts. Its record is gone."""
        self._history = MadeHistory(self.var)
        (statistics,) = self._history.ran(
            f"try-{number}", "StatisticsGen", {"statistics": "ExampleStatistics"}, experiment="try"
        )
        accepted: dict[str, int | str] = {DataBlessing.STATISTICS_URI: self._uri(statistics)}
        (blessing,) = self._history.ran(
            f"try-{number}", "AnomalyGate", {"accepted": "DataBlessing"}, properties=accepted, experiment="try"
        )
        for id in (statistics, blessing):
            _fill(Path(self._uri(id)))

    def _uri(self, artifact: int) -> str:
        return str(self.store().get_artifacts_by_id([artifact])[0].uri)

    def _monitor(self, number: int, answered_by: int) -> None:
        run = f"monitoring-look-{number}"
        self._make(number, "RequestLogExampleGen", run=run, task="taxi_monitoring", rows="Examples")
        read = {"examples": self.ids[f"rows {number}"], "model": self.ids[f"model {answered_by}"]}
        read["training_statistics"] = self.ids[f"statistics {answered_by}"]
        self._make(number, "TrafficMonitor", read, run=run, task="taxi_monitoring", report="TrafficReport")
        _fill(self.var / "monitoring" / "taxi" / f"look-{number}")

    def _train(self, number: int) -> None:
        run = f"run-{number}"
        if number == 2:  # on the rows of run 1
            self.ids |= {f"{what} 2": self.ids[f"{what} 1"] for what in ("examples", "statistics", "accepted")}
            cached = {"examples": self.ids["examples 1"]}
            self._history.ran(run, "ExampleGen", reused=cached, state="CACHED")
        else:
            self._make(number, "ExampleGen", examples="Examples")
            read = {"examples": self.ids[f"examples {number}"]}
            self._make(number, "StatisticsGen", read, statistics="ExampleStatistics")
            read = {"statistics": self.ids[f"statistics {number}"]}
            accepted = {DataBlessing.STATISTICS_URI: self._uri(self.ids[f"statistics {number}"])}
            if number > 2:
                read["baseline"] = self.ids[f"statistics {number - 2}"] if number == 3 else self.ids["statistics 3"]
            self._make(number, "AnomalyGate", read, accepted, accepted="DataBlessing")
        read = {"examples": self.ids[f"examples {number}"]}
        self._make(number, "Trainer", read, model="Model")
        model = self.ids[f"model {number}"]
        read |= {"model": model}
        if number > 1:
            read["baseline_model"] = self.ids[f"model {number - 1}"]
        told = {"blessed": 1, "current_model": self._uri(model)}
        self._make(number, "Evaluator", read, told, blessing="ModelBlessing")
        told = {"blessed": 1, INFRA_BLESSING_MODEL_URI: self._uri(model)}
        self._make(number, "SkewGate", {"model": model}, told, infra="InfraBlessing")
        version = self.var / "serving" / "taxi" / str(number)
        _fill(version)
        read = {"model": model, "blessing": self.ids[f"blessing {number}"], "infra": self.ids[f"infra {number}"]}
        told = {"pushed_version": version.name, "pushed_destination": str(version)}
        self._make(number, "Pusher", read, told, pushed="PushedModel")  # type: ignore[arg-type]
        _fill(self.var / "runs" / run)

    def _make(
        self,
        number: int,
        node: str,
        inputs: dict[str, int] | None = None,
        properties: dict[str, int | str] | None = None,
        *,
        run: str = "",
        task: str = "taxi",
        **output: str,
    ) -> None:
        ((name, _),) = output.items()
        run = run or f"run-{number}"
        (id,) = self._history.ran(run, node, output, inputs=inputs, properties=properties, task=task)
        self.ids[f"{name} {number}"] = id
        _fill(Path(self.store().get_artifacts_by_id([id])[0].uri))


def _fill(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / name).write_text(folder.name)
