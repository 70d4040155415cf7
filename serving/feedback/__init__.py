"""Feedback: the outcomes of predicted rows, stored next to the request log and joined to it by request id."""
