"""Gateways of tasks of several classes and of numbers, before made-up models: contracts and settings in a folder."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from serving import contract as contracts
from serving.gateway.app import create_app
from serving.gateway.several_tasks import load_all
from tests.serving.gateway.http_server import HttpServer
from tests.serving.gateway.scripted_model import ScriptedModel

_CONTRACT = """
annotation {{ tag: "missing_number:-9007199254740992" tag: "missing_string:" }}
feature {{
  name: "size" type: FLOAT presence {{ min_fraction: 1 min_count: 1 }} shape {{ dim {{ size: 1 }} }}
  float_domain {{ min: 0 max: 100 }}
  annotation {{ comment: "Measured at noon" tag: "label:Petal size" tag: "unit:cm" tag: "example:4.5" }}
}}
feature {{
  name: "colour" type: BYTES presence {{ min_fraction: 1 min_count: 1 }} shape {{ dim {{ size: 1 }} }}
  annotation {{ tag: "example:red" }}
}}
feature {{
  name: "answer" {label} presence {{ min_fraction: 1 min_count: 1 }} shape {{ dim {{ size: 1 }} }}
  not_in_environment: "SERVING"
}}
default_environment: "TRAINING"
default_environment: "SERVING"
"""
NAMES = ("setosa", "versicolor", "virginica")
STRINGS = 'type: BYTES string_domain { value: "setosa" value: "versicolor" value: "virginica" }'
INTEGERS = "type: INT int_domain { min: 3 max: 5 is_categorical: true }"
DOLLARS = 'type: FLOAT annotation { tag: "unit:USD" tag: "label:Price" }'
ROW = {"size": 4.5, "colour": "red"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """A task of the tests: its settings' kind, the label in the contract, and the width of its model."""

    name: str
    kind: str
    label: str
    width: int
    extra: str = ""  # more of the settings

    def write(self, folder: Path) -> Path:
        """Writes contract and settings; returns the settings' file."""
        (folder / f"{self.name}.pbtxt").write_text(_CONTRACT.format(label=self.label))
        file = folder / f"{self.name}.toml"
        words = 'probability_of = "it"\n' if self.kind == "binary" else ""
        file.write_text(
            f'endpoint = "{self.name}"\ntitle = "{self.name.capitalize()}"\nrow_name = "{self.name.capitalize()}"\n'
            f'kind = "{self.kind}"\n{words}contract = "{self.name}.pbtxt"\n'
            f"limits.requests_per_second = 0\n{self.extra}\n"
            f'[model]\nname = "{self.name}"\nresolve_seconds = 0.001\nbackoff_seconds = 0.001\n'
        )
        return file

    def model(self, folder: Path, said: Any) -> ScriptedModel:
        """A model that says the same of every row."""
        contract = contracts.read(folder / f"{self.name}.pbtxt")
        return ScriptedModel(
            contract,
            predict=lambda inputs: [said] * len(inputs["size"]),
            outputs={"predictions": [-1, self.width]},
        )


FLOWER = Task(name="flower", kind="multiclass", label=STRINGS, width=3)
DOORS = Task(name="doors", kind="multiclass", label=INTEGERS, width=3)
PRICE = Task(name="price", kind="regression", label=DOLLARS, width=1)
TIP = Task(name="tip", kind="binary", label="type: INT", width=1)


@contextlib.contextmanager
def running(
    folder: Path,
    models: Mapping[Task, ScriptedModel],
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[httpx.Client]:
    """A gateway of these tasks, each before a model server of its own; logs lie in <folder>/requests/<task>."""
    with contextlib.ExitStack() as stack:
        urls = {task.name: stack.enter_context(HttpServer(model)).url for task, model in models.items()}

        def of(model: str) -> dict[str, Any]:
            own = {"model.server": urls[model], "request_log.folder": str(folder / "requests" / model)}
            return own | {"feedback.folder": str(folder / "feedback" / model)} | dict(flags or {})

        settings = load_all([task.write(folder) for task in models], of, {})
        server = stack.enter_context(HttpServer(create_app(settings, environ or {})))
        yield stack.enter_context(httpx.Client(base_url=server.url, timeout=10))
