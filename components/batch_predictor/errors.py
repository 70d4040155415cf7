"""Define the error of batch predictions."""


class BatchPredictionError(ValueError):
    """The rows of files cannot be predicted as asked. The output was not written."""
