"""Transform: TFX's own component, whose rows carry the keys of the raw rows (components.row_keys)."""

from tfx.components.transform.component import Transform
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec

from components.keyed_transform.executor import Executor


class KeyedTransform(Transform):
    """Analyses and transforms rows as TFX does, and adds ROW_KEY to each transformed row.

    The transform graph and its schema do not have that feature, so no model sees it.
    """

    EXECUTOR_SPEC = BeamExecutorSpec(Executor)
