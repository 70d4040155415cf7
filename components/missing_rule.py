"""The missing rule (serving/contract/missing_values.py) in terms of tensors."""

import tensorflow as tf

from serving.contract.missing_values import MissingValues


class MissingRule(MissingValues):
    """The two values that stand for "missing", by dtype."""

    def value_for(self, dtype: tf.DType) -> int | float | bytes:
        """The value that says "missing" in a tensor of `dtype` (string, int64 or float32)."""
        if dtype == tf.string:
            return self.string.encode()
        return float(self.number) if dtype.is_floating else self.number
