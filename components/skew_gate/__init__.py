"""Block the push if training and serving disagree on a row of the eval split."""
