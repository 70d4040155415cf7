"""Define TFX's Transform with an executor that adds the keys of the raw rows (components.row_keys)."""

from tfx.components.transform.component import Transform
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.keyed_transform.executor import Executor


class KeyedTransform(Transform):
    """TFX's Transform, which also adds the feature ROW_KEY to each transformed row.

    The transform graph and its schema do not have that feature, so no model gets it.
    """

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
