"""Features of the diabetes task."""

import tensorflow as tf
import tensorflow_transform as tft

NUMERIC = ("age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
SEX = "sex"
LABEL = "target"


def preprocessing_fn(inputs):
    """Z-scores and one vocabulary; a missing number becomes 0 after scaling, the mean."""
    outputs = {}
    for name in NUMERIC:
        value = inputs[name]
        if isinstance(value, tf.SparseTensor):
            scaled = tft.scale_to_z_score(value)
            outputs[name] = tf.sparse.to_dense(
                tf.SparseTensor(scaled.indices, scaled.values, [value.dense_shape[0], 1])
            )
        else:
            outputs[name] = tft.scale_to_z_score(value)
    outputs[SEX] = tft.compute_and_apply_vocabulary(inputs[SEX], num_oov_buckets=1, vocab_filename=SEX)
    if LABEL in inputs:
        outputs[LABEL] = inputs[LABEL]
    return outputs
