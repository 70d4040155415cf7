"""Block the push when training and serving disagree on an evaluation row."""
