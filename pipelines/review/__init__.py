"""Reviews: a person recorded that they looked at a task's code and at a run of it. docs/how-to/review.md.

`review_file` is what a review says and where it is kept, `state` whether one holds for the code as it is now. On the
shell: `python -m pipelines review`.
"""
