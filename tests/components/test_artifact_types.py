"""The types that a compiled job names by their titles."""

import pytest
from tfx.utils import import_utils

import components
from components.artifacts import DataBlessing, ModelComparison


@pytest.mark.parametrize("kind", [DataBlessing, ModelComparison])
def test_tfx_imports_a_type_by_its_title(kind: type) -> None:
    assert import_utils.import_class_by_path(f"components.{kind.__name__}") is kind


def test_nothing_else_is_there_by_chance() -> None:
    with pytest.raises(AttributeError, match="module 'components' has no attribute 'RowTimes'"):
        _ = components.RowTimes
