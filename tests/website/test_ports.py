"""docs/reference/ports.md has every port that is a default in the code or in a deployment, and no other."""

import inspect
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from environment.airflow.__main__ import parse_options as airflow_options
from pipelines import metadata_database
from pipelines.cli.tensorboard import tensorboard
from serving.gateway.settings import ListenSettings
from serving.server.options import parser

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = [ROOT / package / "deploy" for package in ("serving", "pipelines")]


def test_the_table_has_the_ports_of_code_and_deployments() -> None:
    page = (ROOT / "docs" / "reference" / "ports.md").read_text()
    assert {int(port) for port in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == defaults() | deployed()


def defaults() -> set[int]:
    flags = parser().parse_args([])
    return {
        flags.port,
        flags.rest_api_port,
        ListenSettings().port,
        inspect.signature(tensorboard).parameters["port"].default,
        airflow_options(["--graphs", "."]).port,
        metadata_database._PORT,
        int(re.findall(r"mkdocs serve .*,(\d+)\)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0]),
    }


def deployed() -> set[int]:
    """Ports that compose publishes or exposes, that containers of Kubernetes declare, and that a command names."""
    found: set[int] = set()
    files = (folder.glob(pattern) for folder in DEPLOY for pattern in ("compose*.yaml", "kubernetes/*/**/*.yaml"))
    for path in itertools.chain.from_iterable(files):
        for document in yaml.load_all(path.read_text(), Loader=Tolerant):
            found |= set(_ports(document))
    return found


class Tolerant(yaml.SafeLoader):
    """Reads compose's own tags, such as !reset, as nothing."""


Tolerant.add_multi_constructor("!", lambda loader, suffix, node: None)


def _ports(node: Any) -> Iterator[int]:
    if isinstance(node, dict):
        if isinstance(port := node.get("containerPort"), int):
            yield port
        for published in [*(node.get("expose") or []), *(node.get("ports") or [])]:
            if isinstance(published, str):
                yield int(published.rpartition(":")[2])
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _ports(each)
    if isinstance(node, str) and (found := re.fullmatch(r"--(?:metrics-|service_)port=(\d+)", node)):
        yield int(found[1])
