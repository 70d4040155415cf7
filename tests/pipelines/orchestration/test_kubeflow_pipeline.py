"""The pipeline that kfp compiles of a graph: what it is, and that a backend can read it. On both stacks' kfp."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

from pipelines.metadata_database import PASSWORD
from tests.pipelines.orchestration.kubeflow_graph import IMAGE, Compiled, compiled, graph
from tests.pipelines.orchestration.kubeflow_rehearsal import FAILED, JOB, SKIPPED, SUCCEEDED, Rehearsal

DATABASE = "mysql://tfx@db.internal/mlmd"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return compiled(tmp_path_factory.mktemp("plain") / "p.yaml", graph("--train-steps", "30", "--force"))


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """With everything that a cluster may offer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, "a-password-of-the-test")
        return compiled(
            tmp_path_factory.mktemp("rich") / "p.yaml",
            graph("--data", "/home/somebody/project/var/data/rows.csv", "--push-ties"),
            claim="models",
            metadata=DATABASE,
            metadata_secret="mlmd",
            metadata_secret_key="pass",
            accelerators=2,
            training_cores=8,
        )


@pytest.mark.parametrize("name", ["plain", "rich"])
def test_a_backend_can_read_it(name: str, request: pytest.FixtureRequest) -> None:
    made: Compiled = request.getfixturevalue(name)
    spec = pipeline_spec_pb2.PipelineSpec()
    json_format.ParseDict(made.spec, spec)
    deployed = pipeline_spec_pb2.PipelineDeploymentConfig()
    json_format.ParseDict(json_format.MessageToDict(spec.deployment_spec), deployed)
    assert {one.container.image for one in deployed.executors.values()} == {IMAGE}
    assert dangling(made) == []
    assert components.load_component_from_file(str(made.file)).name == "own-trips"


def test_a_reference_to_nothing_would_be_found(tmp_path: Path) -> None:
    broken = compiled(tmp_path / "p.yaml", graph())
    broken.nodes["pusher"]["dependentTasks"].append("gone")
    broken.nodes["trainer"]["inputs"]["parameters"].pop("var")
    broken.executors["exec-evaluator"]["container"]["args"].append("{{$.inputs.parameters['other']}}")
    assert set(dangling(broken)) == {"pusher waits for gone", "trainer lacks var", "exec-evaluator reads other"}


def dangling(made: Compiled) -> list[str]:
    """What leads nowhere in a pipeline."""
    parts, found = made.spec["components"], []

    def look(dag: dict[str, Any], known: set[str]) -> None:
        for name, task in dag["tasks"].items():
            component = parts[task["componentRef"]["name"]]
            given = task.get("inputs", {}).get("parameters", {})
            wanted = set(component["inputDefinitions"]["parameters"])
            found.extend(f"{name} waits for {one}" for one in set(task.get("dependentTasks", ())) - set(dag["tasks"]))
            found.extend(f"{name} lacks {one}" for one in wanted - set(given))
            sources = {one["componentInputParameter"] for one in given.values() if "componentInputParameter" in one}
            found.extend(f"{name} takes {one}" for one in sources - known)
            if "dag" in component:
                look(component["dag"], wanted)
                continue
            label = component["executorLabel"]
            words = " ".join(made.executors[label]["container"]["args"])
            read = set(re.findall(r"inputs\.parameters\['(\w+)'\]", words))
            found.extend(f"{label} reads {one}" for one in read - wanted)
            if label not in made.platform:
                found.append(f"{label} has no volume")

    look(made.spec["root"]["dag"], set(made.spec["root"]["inputDefinitions"]["parameters"]))
    return found


@pytest.mark.parametrize("name", ["plain", "rich"])
def test_no_path_of_this_machine_and_no_secret(name: str, request: pytest.FixtureRequest) -> None:
    text = request.getfixturevalue(name).text
    paths = set(re.findall(r"(?<![\w.:/@-])/[\w.-]+(?:/[\w.-]+)*", text))
    assert {path for path in paths if not path.startswith("/mnt/pipelines")} == set()
    for secret in ("somebody", "a-password-of-the-test", sys.prefix, str(Path.home())):
        assert secret not in text


def test_a_task_for_each_node_and_one_that_closes_the_run(plain: Compiled) -> None:
    """In SQLite one node at a time, in the graph's order."""
    shown = {name: task["taskInfo"]["name"] for name, task in plain.nodes.items()}
    assert shown == {
        "example-gen": "ExampleGen",
        "import-schema-gen": "ImportSchemaGen",
        "trainer": "Trainer",
        "evaluator": "Evaluator",
        "pusher": "Pusher",
    }
    waits = {name: task.get("dependentTasks", []) for name, task in plain.nodes.items()}
    names = ["example-gen", "import-schema-gen", "trainer", "evaluator", "pusher"]
    assert waits == dict(zip(names, [[], *([one] for one in names)], strict=False))
    finish = plain.spec["root"]["dag"]["tasks"]["finish"]
    assert finish["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    assert len(finish["dependentTasks"]) == 1


def test_with_mysql_a_node_waits_for_what_it_reads(rich: Compiled) -> None:
    waits = {name: task.get("dependentTasks", []) for name, task in rich.nodes.items()}
    assert waits == {
        "example-gen": [],
        "import-schema-gen": [],
        "trainer": ["example-gen"],
        "evaluator": ["import-schema-gen", "trainer"],
        "pusher": ["evaluator"],
    }


def test_the_command_of_a_task(plain: Compiled) -> None:
    container = plain.executors["exec-trainer"]["container"]
    assert container["command"] == ["python", "-m", "pipelines.orchestration.kubeflow.task"]
    assert container["args"][:4] == ["--job", "{{$.inputs.parameters['job']}}", "--node", "Trainer"]
    assert "--train-steps={{$.inputs.parameters['train_steps']}}" in container["args"]
    assert plain.nodes["trainer"]["inputs"]["parameters"]["job"] == {
        "runtimeValue": {"constant": "{{$.pipeline_job_uuid}}"}
    }
    assert plain.executors["exec-finish"]["container"]["args"][2:5] == [
        "--finish",
        "--report",
        "{{$.outputs.artifacts['report'].path}}",
    ]
    finish = plain.spec["components"]["comp-finish"]["outputDefinitions"]["artifacts"]["report"]
    assert finish["artifactType"]["schemaTitle"] == "system.HTML"


def test_retries_and_no_cache_but_tfx_own(plain: Compiled) -> None:
    tasks = [*plain.nodes.values(), plain.spec["root"]["dag"]["tasks"]["finish"]]
    assert {task["retryPolicy"]["maxRetryCount"] for task in tasks} == {2}
    assert {task["retryPolicy"]["backoffDuration"] for task in tasks} == {"10s"}
    assert [task.get("cachingOptions", {}).get("enableCache", False) for task in tasks] == [False] * 6
    assert all("cachingOptions" in task for task in tasks)  # Without them a backend caches.


def test_what_a_task_asks_of_the_cluster(plain: Compiled, rich: Compiled) -> None:
    asked = {label: one["container"]["resources"] for label, one in rich.executors.items()}
    assert (asked["exec-trainer"]["resourceCpuRequest"], asked["exec-evaluator"]["resourceCpuRequest"]) == ("8", "1")
    assert (asked["exec-trainer"]["resourceMemoryRequest"], asked["exec-trainer"]["resourceMemoryLimit"]) == (
        "3Gi",
        "6Gi",
    )
    accelerated = {label: one["accelerator"] for label, one in asked.items() if "accelerator" in one}
    assert {label: (one["resourceType"], one["resourceCount"]) for label, one in accelerated.items()} == {
        "exec-trainer": ("nvidia.com/gpu", "2")
    }
    assert not any("accelerator" in one["container"]["resources"] for one in plain.executors.values())


def test_volume_secret_time_limit_and_toleration(plain: Compiled, rich: Compiled) -> None:
    assert set(rich.platform) == set(rich.executors)
    for one in rich.platform.values():
        (mount,) = one["pvcMount"]
        assert (mount["constant"], mount["mountPath"]) == ("models", "/mnt/pipelines")
        (secret,) = one["secretAsEnv"]
        assert secret["secretName"] == "mlmd"
        assert secret["keyToEnv"] == [{"secretKey": "pass", "envVar": PASSWORD}]
    assert {label: one["activeDeadlineSeconds"] for label, one in rich.platform.items() if label != "exec-finish"} == {
        label: "4500" for label in rich.platform if label != "exec-finish"
    }
    tolerations = {label: one["tolerations"] for label, one in rich.platform.items() if "tolerations" in one}
    assert tolerations == {"exec-trainer": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]}
    assert not any("secretAsEnv" in one for one in plain.platform.values())


def test_the_parameters_have_the_graphs_options_as_defaults(plain: Compiled, rich: Compiled) -> None:
    defaults = {name: one["defaultValue"] for name, one in parameters(plain).items()}
    assert defaults == {
        "task": "own.own_trips",
        "data": "",
        "var": "/mnt/pipelines/var",
        "train_steps": 30,
        "distribute": "auto",
        "mixed_precision": False,
        "job_minutes": 60,
        "push_to": "",
        "sign": "",
        "sign_command": "",
        "require_review": False,
        "force": True,
        "push_ties": False,
        "metadata": "",
    }
    assert parameters(rich)["data"]["defaultValue"] == "/mnt/pipelines/var/data/rows.csv"
    assert parameters(rich)["metadata"]["defaultValue"] == DATABASE


def parameters(made: Compiled) -> dict[str, Any]:
    return made.spec["root"]["inputDefinitions"]["parameters"]


def test_an_option_that_decides_the_graph_is_no_parameter(tmp_path: Path) -> None:
    spans = compiled(tmp_path / "s.yaml", graph("--spans", "last:4", "--tune", "--trials", "3"))
    assert {"spans", "evaluate_on", "trials", "minutes"} <= set(parameters(spans))
    assert "tune" not in parameters(spans)
    assert "--tune=True" in spans.executors["exec-trainer"]["container"]["args"]
    tried = compiled(tmp_path / "e.yaml", graph("--experiment", "wider", "--tag", "a", "--tag", "b c"))
    assert parameters(tried)["tag"]["defaultValue"] == "a 'b c'"
    assert "spans" not in parameters(tried)


def test_order_arguments_and_environment_of_the_containers(rich: Compiled, tmp_path: Path) -> None:
    """Each container's `python` is a script here that says how it was started; the Trainer's fails."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text(
        '#!/bin/sh\necho "$METADATA_PASSWORD|$*"\ncase "$6" in Trainer) exit 3;; --report) echo report > "$7";; esac\n'
    )
    python.chmod(0o755)
    job = Rehearsal(
        rich.file,
        tmp_path / "volume",
        parameters={"train_steps": 30.0, "force": True},
        secrets={("mlmd", "pass"): "hush"},
        programs=python.parent,
    )
    assert not job.run()
    states = {name: (ended.state, ended.tries) for name, ended in job.ended.items()}
    assert states == {
        "ExampleGen": (SUCCEEDED, 1),
        "ImportSchemaGen": (SUCCEEDED, 1),
        "Trainer": (FAILED, 3),
        "Evaluator": (SKIPPED, 0),
        "Pusher": (SKIPPED, 0),
        "finish": (SUCCEEDED, 1),
    }
    assert list(job.ended)[-1] == "finish"
    volume, report = tmp_path / "volume", job.ended["finish"].artifacts["report"]
    options = (
        f"--task=own.own_trips --data={volume}/var/data/rows.csv --var={volume}/var --train-steps=30 --distribute=auto "
        "--mixed-precision=false --job-minutes=60 --push-to= --sign= --sign-command= --require-review=false "
        f"--force=true --push-ties=true --metadata={DATABASE}"
    )
    module = "-m pipelines.orchestration.kubeflow.task --job"
    assert job.ended["finish"].said == f"hush|{module} {JOB} --finish --report {report} {options}\n"
    assert job.ended["Trainer"].said == f"hush|{module} {JOB} --node Trainer {options}\n" * 3
    assert report.read_text() == "report\n"
