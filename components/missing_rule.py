"""Give the values that mean "missing" in tensors (see serving/contract/missing_values.py)."""

import tensorflow as tf

from serving.contract.missing_values import MissingValues


class MissingRule(MissingValues):
    """The two values that mean "missing": one for strings and one for numbers."""

    def value_for(self, dtype: tf.DType) -> int | float | bytes:
        """Return the value that means "missing" in a tensor of `dtype` (string, int64 or float32)."""
        if dtype == tf.string:
            return self.string.encode()
        return float(self.number) if dtype.is_floating else self.number
