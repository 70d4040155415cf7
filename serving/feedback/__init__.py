"""Feedback: the outcomes of predicted rows, stored beside the request log and joined to it by request id."""
