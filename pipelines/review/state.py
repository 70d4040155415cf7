"""Tell whether a task's review is valid, stale, missing or edited by hand."""

import dataclasses

from pipelines.review.review_file import Review, ReviewError, locate_review_file, read_reviews
from pipelines.task_definition.task import Task
from pipelines.task_definition.task_files import task_file_digests

MISSING, STALE, EDITED, VALID = "missing", "stale", "edited", "valid"
_STATE_NAMES = {MISSING: MISSING, STALE: STALE, EDITED: "edited by hand", VALID: VALID}
_REVIEW_AGAIN = "look at the run and its report, then `make review NOTE=...`"
_REMEDIES = {
    MISSING: _REVIEW_AGAIN,
    STALE: _REVIEW_AGAIN,
    EDITED: "put review.toml back as version control has it, or remove that record",
    VALID: "",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReviewState:
    """The state of the review of a task's code, and why."""

    state: str  # MISSING, STALE, EDITED or VALID
    reason: str  # in words
    review: Review | None  # the valid review, or else the newest one

    @property
    def sentence(self) -> str:
        """State and reason, such as `science review: stale, preprocessing.py changed since …`."""
        return f"science review: {_STATE_NAMES[self.state]}, {self.reason}"

    @property
    def remedy(self) -> str:
        """What to do to get a valid review; empty if there is one."""
        return _REMEDIES[self.state]


def read_review_state(task: Task) -> ReviewState:
    """Return the state of the task's review for its current files.

    A review is valid only for exactly the files that were reviewed. If an edit is undone, an earlier review is valid
    again.
    """
    try:
        reviews = read_reviews(locate_review_file(task))
    except ReviewError as error:
        return ReviewState(state=EDITED, reason=str(error), review=None)
    if not reviews:
        return ReviewState(state=MISSING, reason="no review is recorded", review=None)
    task_files = task_file_digests(task)
    for review in reversed(reviews):
        if review.task_files == task_files:
            by = f"by {review.reviewer} on {review.date[:10]}, of run {review.run}"
            return ReviewState(state=VALID, reason=by, review=review)
    newest = reviews[-1]
    reason = f"{describe_file_changes(newest.task_files, task_files)} since the review of run {newest.run}"
    return ReviewState(state=STALE, reason=reason, review=newest)


def explain_refusal(task: Task) -> str | None:
    """Return why the task's model may not be pushed where a review is required, or None if it may."""
    found = read_review_state(task)
    if found.state == VALID:
        return None
    return f"{found.sentence}. This push requires a valid review; {found.remedy}, then run again"


def describe_file_changes(before: dict[str, str], after: dict[str, str]) -> str:
    """Return the changes of files, by their digests, as text; empty without changes.

    Example:
        >>> describe_file_changes({"model.py": "1f", "tuner.py": "2a"}, {"model.py": "3c", "layers.py": "4d"})
        'model.py changed; layers.py was added; tuner.py was removed'
    """
    changed = [name for name in before if name in after and before[name] != after[name]]
    added, removed = sorted(after.keys() - before.keys()), sorted(before.keys() - after.keys())
    parts = {
        "changed": sorted(changed),
        "was added" if len(added) == 1 else "were added": added,
        "was removed" if len(removed) == 1 else "were removed": removed,
    }
    return "; ".join(f"{', '.join(names)} {what}" for what, names in parts.items() if names)
