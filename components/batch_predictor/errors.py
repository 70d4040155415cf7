"""What is wrong with a prediction of files."""


class BatchPredictionError(ValueError):
    """The rows of files cannot be predicted as asked. Nothing was put in the output's place."""
