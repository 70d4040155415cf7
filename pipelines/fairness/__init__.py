"""Groups that a model may treat worse: the gaps between them, and the gate that a task may agree on."""
