"""Convert options of a run to parameters of a KFP pipeline, and values back to arguments. Loads without kfp."""

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

# Options that decide which nodes there are: they cannot change after the pipeline is compiled.
FIXED = frozenset({"tune", "infra", "engine", "warm_start"})
# Options that become parameters only if the graph was written with the other option named here.
_ONLY_WITH = {
    "cloud": "cloud",  # of Dataflow, which no graph has: its workers cannot read --var
    "spans": "spans",
    "evaluate_on": "spans",
    "trials": "tune",
    "minutes": "tune",
    "experiment": "experiment",
    "note": "experiment",
    "tag": "experiment",
    "seeds": "experiment",
}
# Options of every command of a run that do not change what the run computes.
_OF_EVERY_COMMAND = frozenset({"var", "metadata"})


class ParameterError(ValueError):
    """The value of a parameter cannot be used."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter of the KFP pipeline."""

    name: str  # in Python's spelling; the option is the same with dashes
    kind: type  # str, int, float or bool: KFP has no other scalars
    unset: Value  # the value that means "not given"
    path: bool  # whether it names a file or a folder

    def read(self, text: str) -> Value:
        """Read a value as KFP writes it into a command line.

        Args:
            text: the value. A boolean may be spelled as in JSON or in Python; an integer may end with `.0`.

        Returns:
            The value.

        Raises:
            ParameterError: The text is of another type, or a placeholder that KFP has not replaced.
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
                shlex.split(text)  # raises ValueError for a quote that is not closed
            if self.kind is int and float(text) == int(float(text)):
                return int(float(text))
            if self.kind in (str, float):
                return typing.cast(Value, self.kind(text))
        except (ValueError, OverflowError):  # reported below
            pass
        kind = "words, each quote closed" if self.name == "tag" else f"a value of type {self.kind.__name__}"
        raise ParameterError(f"--{self.option}: expected {kind}, received {text!r}")

    @property
    def option(self) -> str:
        """The option's name on the command line, without the leading dashes."""
        return self.name.replace("_", "-")

    def words(self, value: Value) -> list[str]:
        """Return a value as command-line arguments; none if it means "not given".

        Args:
            value: of the parameter; tags are one text, quoted as for a shell.

        Example:
            >>> steps = Parameter(name="train_steps", kind=int, unset=0, path=False)
            >>> steps.words(30), steps.words(0)
            (['--train-steps=30'], [])
        """
        if value in (self.unset, ""):
            return []
        if self.kind is bool:
            return [f"--{self.option}"]
        values = shlex.split(str(value)) if self.name == "tag" else [value]
        return [f"--{self.option}={one}" for one in values]


def all_parameters() -> dict[str, Parameter]:
    """Return every option that all commands of a run share, by name."""
    of_node = {field.name for field in dataclasses.fields(NodeOptions)} - {
        field.name for field in dataclasses.fields(RunOptions)
    }
    left_out = (of_node | NOT_OF_THE_RUN) - _OF_EVERY_COMMAND
    return {parameter.name: parameter for parameter in _list(NodeOptions) if parameter.name not in left_out}


def choose_defaults(graph: Graph, var: str) -> tuple[dict[Parameter, Value], dict[Parameter, Value]]:
    """Choose the parameters of a graph's pipeline; their defaults are the options that the graph was written with.

    Args:
        graph: the graph.
        var: the folder that replaces the graph's own `var`.

    Returns:
        The parameters with their defaults, and the options that are fixed with their values.

    Raises:
        ParameterError: An option of the graph names a path that is not below the graph's `var`.
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
                f"--{parameter.option}: expected a path below {var}, which the volume replaces, received {texts[0]}; "
                "put it there, or leave it out here and give it when you start the pipeline"
            )
        return str(PurePosixPath(new_var, below.relative_to(var)))
    return shlex.join(texts) if parameter.name == "tag" else parameter.read(texts[0])


def _read_arguments(arguments: Sequence[str]) -> Mapping[str, list[str]]:
    """Return the values of each option in a graph's arguments: `--name value`, or `--name` alone for a boolean."""
    known = all_parameters()
    found: dict[str, list[str]] = {}
    words = iter(arguments[1:])  # the first is the name of the command
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
    """Return the types of a union, or the one type that is no union."""
    return typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
