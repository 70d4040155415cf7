"""Reviews: a person records that they looked at a task's code and at a run of it; see docs/how-to/review.md.

`review_file` has the record and its file, `state` whether a review holds for the current code. The command is
`python -m pipelines review`.
"""
