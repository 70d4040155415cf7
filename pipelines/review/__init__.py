"""Reviews: a person looked at a task's code and at a run of it, and said so. docs/review.md.

`record` is what a review says and where it is kept, `state` whether one holds for the code as it is now. On the shell:
`python -m pipelines review`.
"""
