"""Feedback: what became of the rows that the model predicted, kept beside the request log and joined to it by id."""
