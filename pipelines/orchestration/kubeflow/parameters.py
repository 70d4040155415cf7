"""The options of a run as parameters of a KFP pipeline, and back as words of a command line. Loads without kfp."""

import dataclasses
import shlex
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from pipelines.options import RunOptions
from pipelines.orchestration.graph_file import Graph
from pipelines.orchestration.options import NOT_OF_THE_RUN, NodeOptions

Value = str | int | float | bool

# Options that decide which nodes there are: a compiled pipeline has them once and for all.
FIXED = frozenset({"tune", "infra", "engine", "warm_start"})
# Options that have no meaning without another one, which decides which nodes there are.
_ONLY_WITH = {
    "cloud": "cloud",  # belongs to an engine that no graph has: its workers cannot read --var
    "spans": "spans",
    "evaluate_on": "spans",
    "trials": "tune",
    "minutes": "tune",
    "experiment": "experiment",
    "note": "experiment",
    "tag": "experiment",
    "seeds": "experiment",
}
# Options of every command of a run that do not decide what the run is.
_OF_EVERY_COMMAND = frozenset({"var", "metadata"})


class ParameterError(ValueError):
    """A parameter's value cannot be used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of the KFP pipeline."""

    name: str  # in Python's spelling; the option is the same with dashes
    kind: type  # str, int, float or bool: KFP has no other scalars
    unset: Value  # the value that stands for "not given"
    path: bool  # it names a file or a folder

    def read(self, text: str) -> Value:
        """Reads a value as KFP writes it into a command line.

        Args:
            text: JSON's spelling, or Python's, of a truth value; a whole number may have a fraction of zero.

        Returns:
            The value.

        Raises:
            ParameterError: It is of another type, or KFP has not put a value in the place of its placeholder.
        """
        if "{{" in text:
            raise ParameterError(
                f"--{self.option}: expected a value, received the placeholder {text}, which this version of the "
                "Kubeflow Pipelines backend has not resolved"
            )
        if self.kind is bool and text.lower() in ("true", "false"):
            return text.lower() == "true"
        try:
            if self.name == "tag":
                shlex.split(text)  # Raises for a quote that is not closed.
            if self.kind is int and float(text) == int(float(text)):
                return int(float(text))
            if self.kind in (str, float):
                return typing.cast(Value, self.kind(text))
        except (ValueError, OverflowError):  # Told below.
            pass
        kind = "words, each quote closed" if self.name == "tag" else f"a value of type {self.kind.__name__}"
        raise ParameterError(f"--{self.option}: expected {kind}, received {text!r}")

    @property
    def option(self) -> str:
        """The option's name on the command line, without its dashes."""
        return self.name.replace("_", "-")

    def words(self, value: Value) -> list[str]:
        """Spells a value as words of the command line: none where it stands for "not given"."""
        if value in (self.unset, ""):
            return []
        if self.kind is bool:
            return [f"--{self.option}"]
        values = shlex.split(str(value)) if self.name == "tag" else [value]
        return [f"--{self.option}={one}" for one in values]


def all_parameters() -> dict[str, Parameter]:
    """Returns every option that all commands of a run share, by name."""
    of_node = {field.name for field in dataclasses.fields(NodeOptions)} - {
        field.name for field in dataclasses.fields(RunOptions)
    }
    left_out = (of_node | NOT_OF_THE_RUN) - _OF_EVERY_COMMAND
    return {parameter.name: parameter for parameter in _list(NodeOptions) if parameter.name not in left_out}


def choose_defaults(graph: Graph, var: str) -> tuple[dict[Parameter, Value], dict[Parameter, Value]]:
    """Chooses the parameters of a graph's pipeline and their defaults: what the graph was written with.

    Args:
        graph: the graph.
        var: the folder that takes the place of the graph's own `var`.

    Returns:
        The parameters, with their defaults; and the options that stay as they are.

    Raises:
        ParameterError: A path is of the machine that wrote the graph, and not below its `var`.
    """
    given = _read_arguments(graph.arguments)
    open_, fixed = {}, {}
    for name, parameter in all_parameters().items():
        value = _default(parameter, given.get(name, []), graph.var, var)
        if name in FIXED:
            if name in given:
                fixed[parameter] = value
        elif _ONLY_WITH.get(name) is None or _ONLY_WITH[name] in given:
            open_[parameter] = value
    return open_, fixed


def _default(parameter: Parameter, texts: Sequence[str], var: str, new_var: str) -> Value:
    if parameter.name == "var":
        return new_var
    if not texts:
        return parameter.unset
    if parameter.path:
        below = PurePosixPath(texts[0])
        if not below.is_relative_to(var):
            raise ParameterError(
                f"--{parameter.option}: expected a path below {var}, whose place a volume takes, received {texts[0]}; "
                "put it there, or give it when the pipeline is started"
            )
        return str(PurePosixPath(new_var, below.relative_to(var)))
    return shlex.join(texts) if parameter.name == "tag" else parameter.read(texts[0])


def _read_arguments(arguments: Sequence[str]) -> Mapping[str, list[str]]:
    """Reads the words of a graph file: `--name value`, `--name` alone for a truth value, several times for several."""
    known = all_parameters()
    found: dict[str, list[str]] = {}
    words = iter(arguments[1:])  # The first is the name of the command.
    for word in words:
        name = word.removeprefix("--").replace("-", "_")
        found.setdefault(name, []).append("true" if known[name].kind is bool else next(words))
    return found


def _list(record: Any) -> Iterator[Parameter]:
    hints = typing.get_type_hints(record)
    for field in dataclasses.fields(record):
        members = _members(hints[field.name])
        nested = next((one for one in members if dataclasses.is_dataclass(one)), None)
        if nested is not None:
            yield from _list(nested)
            continue
        path = any(one.__name__ == "Path" for one in members if isinstance(one, type))
        kind = next((one for one in (bool, int, float) if one in members), str)
        unset = field.default if isinstance(field.default, kind) else kind()
        yield Parameter(name=field.name, kind=kind, unset=unset, path=path)


def _members(hint: Any) -> tuple[Any, ...]:
    """Returns the types of a union; of any other type itself."""
    return typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
