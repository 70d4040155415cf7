"""`compile kubeflow`: what it writes and says, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.cli.app import execute
from pipelines.config import ConfigError
from pipelines.metadata_database import MetadataDatabaseError
from pipelines.orchestration.graph_file import GraphFileError, read_graph
from pipelines.orchestration.kubeflow.options import KubeflowOptions
from tests.pipelines.orchestration.kubeflow_graph import IMAGE, graph, read

FILES = {"graph": Path("g.json"), "image": IMAGE, "out": Path("p.yaml")}


def test_it_writes_the_pipeline_and_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "g.json", tmp_path / "made" / "own.yaml"
    file.write_text(graph().as_json())
    assert read_graph(file).nodes[2].upstream == ["ExampleGen"]
    options = ["--graph", str(file), "--image", IMAGE, "--out", str(out), "--claim", "models", "--claim-size", "50Gi"]
    more = ["--storage-class", "nfs", "--metadata", "mysql://tfx@db/mlmd"]
    assert execute(["compile", "kubeflow", *options, *more]) == 0
    assert list(read(out).nodes) == ["evaluator", "example-gen", "import-schema-gen", "pusher", "trainer"]
    claim = out.with_name("own.claim.yaml")
    assert yaml.safe_load(claim.read_text()) == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "models"},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "nfs",
            "resources": {"requests": {"storage": "50Gi"}},
        },
    }
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: 5 nodes, and finish",
        f"next         kubectl apply -f {claim}    (once; the volume of all tasks)",
        "then         kubectl create secret generic pipelines-metadata --from-file=password=FILE",
        f"then         kfp run create --experiment-name own_trips --package-file {out}",
        "or           upload it in Kubeflow's web interface: Pipelines, Upload pipeline",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": "registry/pipeline:latest"}, r"image: expected registry/name@sha256: .*since a tag .*:latest'"),
        ({"image": ""}, r"image: expected registry/name@sha256: and 64 hexadecimal digits"),
        ({"claim": "My_Claim"}, r"claim: expected a name of small letters, digits and -, received 'My_Claim'"),
        ({"metadata_secret": "-"}, r"metadata secret: expected a name"),
        ({"storage_class": "A"}, r"storage class: expected a name"),
        ({"metadata_secret_key": "a b"}, r"metadata secret key: expected letters, digits, .*received 'a b'"),
        ({"claim_size": "50"}, r"claim size: expected a number and Mi, Gi or Ti, such as 50Gi, received '50'"),
        ({"claim_access": "ReadOnlyMany"}, r"claim access: expected one of ReadWriteOnce, ReadWriteMany, received"),
        ({"mount": "volume"}, r"mount: expected an absolute path such as /mnt/pipelines, received 'volume'"),
        ({"mount": "/a/../b"}, r"mount: expected an absolute path"),
        ({"out": Path("p.json")}, r"out: expected a file name that ends with .yaml or .yml, received 'p.json'"),
        ({"accelerators": -1}, r"accelerators: expected 0 or more, received -1"),
        ({"training_cores": 0}, r"training cores: expected 1 or more, received 0"),
    ],
)
def test_what_no_cluster_takes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        KubeflowOptions(**FILES | options)


def test_a_password_in_the_address_is_refused() -> None:
    with pytest.raises(MetadataDatabaseError, match="expected no password in the address"):
        KubeflowOptions(**FILES, metadata="mysql://tfx:hush@db/mlmd")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            None,
            r"expected a graph file, received .*No such file.*; write it with `python -m pipelines node --graph FILE`",
        ),
        ("{", r"expected a graph file, received "),
        ("[]", r"expected format 1, received None"),
        ('{"format": 2}', r"expected format 1, received 2; write it with"),
    ],
)
def test_a_file_that_is_no_graph(text: str | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / "g.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(GraphFileError, match=message):
        read_graph(file)


def test_bad_usage_has_exit_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "g.json"
    options = ["compile", "kubeflow", "--graph", str(file), "--out", str(tmp_path / "p.yaml"), "--image"]
    assert execute([*options, IMAGE]) == 2
    file.write_text(graph("--data", "/rows.csv").as_json())
    assert execute([*options, IMAGE]) == 2
    assert execute([*options, "registry/pipeline:latest"]) == 2
    said = capsys.readouterr().err
    assert "expected a graph file" in said
    assert "--data: expected a path below" in said
    assert "since a tag may name another image later" in said
    assert not (tmp_path / "p.yaml").exists()


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "g.json"
    file.write_text(graph().as_json())
    taken = tmp_path / "taken.yaml"
    taken.mkdir()
    for out, words in ((file / "p.yaml", "File exists"), (taken, "Is a directory")):
        assert execute(["compile", "kubeflow", "--graph", str(file), "--image", IMAGE, "--out", str(out)]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: cannot write {out}: ")
        assert words in line
        assert line.endswith("; free or unlock it, or name another --out")
