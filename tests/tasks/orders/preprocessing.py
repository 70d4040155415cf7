"""Features of the orders task."""

import tensorflow as tf
import tensorflow_transform as tft

AMOUNT, WEIGHT, CHANNEL, LABEL = "amount", "weight", "channel", "returned"


def preprocessing_fn(inputs):
    """Z-scores and one vocabulary; a missing weight becomes 0 after scaling, the mean."""
    scaled = tft.scale_to_z_score(inputs[WEIGHT])
    outputs = {
        AMOUNT: tft.scale_to_z_score(inputs[AMOUNT]),
        WEIGHT: tf.sparse.to_dense(tf.SparseTensor(scaled.indices, scaled.values, [scaled.dense_shape[0], 1])),
        CHANNEL: tft.compute_and_apply_vocabulary(inputs[CHANNEL], num_oov_buckets=1, vocab_filename=CHANNEL),
    }
    if LABEL in inputs:
        outputs[LABEL] = inputs[LABEL]
    return outputs
