"""The target of a model: the kind of prediction, and the contract's label."""

import dataclasses
from typing import Self

from serving.contract.contract import ContractError, Feature, Kind, Value
from serving.problem import BINARY, MULTICLASS, Problem

_LEAST_CLASSES = 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """The predicted label, and the kind of prediction."""

    problem: Problem
    name: str = ""  # the contract's label; empty for a binary task that does not need it
    title: str = ""  # of the label, for people
    kind: Kind | None = None  # type of the label
    classes: tuple[Value, ...] = ()  # multiclass: the label's values, in the order of the model's outputs
    unit: str = ""  # regression: of the value; empty if the contract names none

    @property
    def width(self) -> int:
        """Return the numbers that a model returns for each row."""
        return len(self.classes) if self.problem == MULTICLASS else 1

    @classmethod
    def of_label(cls, problem: Problem, label: Feature) -> Self:
        """Return the target of a label.

        Args:
            problem: the kind of prediction.
            label: the contract's label.

        Returns:
            The target.

        Raises:
            ContractError: The problem has classes, and the contract does not list them.
        """
        classes = label.values if problem == MULTICLASS else ()
        if problem == MULTICLASS and len(classes) < _LEAST_CLASSES:
            raise ContractError(
                f"the classes of {label.name} are not known: expected a string domain that lists them all, an "
                "int_domain with min and max, or tags class:VALUE in the order of the model's outputs, received "
                f"{len(classes)} classes; write them into the contract."
            )
        return cls(
            problem=problem, name=label.name, title=label.title, kind=label.kind, classes=classes, unit=label.unit
        )


BINARY_TARGET = Target(problem=BINARY)
