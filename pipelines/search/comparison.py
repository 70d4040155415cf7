"""Estimate how good each candidate is, how certain that is, and how likely it is the best.

A resample draws trainings with replacement, and rows with replacement, the same rows for every candidate. A candidate's
value on it is the mean of its drawn trainings, each measured on the drawn rows of its own held-out fold. Intervals are
percentiles of the resamples. The chance of being the best is the share of resamples on which a candidate is the best.
So the variation by seed and by rows both count. The variation by rows counts partly twice, because every training has
its own rows: the intervals are too wide rather than too narrow.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from pipelines.evaluation.bootstrap import Interval, draw_resamples, percentile_interval
from pipelines.evaluation.measures import Measure
from pipelines.search.trainings import Training, finished_by_all, held_out_fold

_RESAMPLES = 1000
_SEED = 20240502  # the same trainings give the same intervals
_LEVEL = 0.95
MIN_TRAININGS = 2  # of each candidate; a single one does not show the variation by seed


class ComparisonError(ValueError):
    """There are too few trainings to compare."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CandidateScore:
    """The score of one candidate on one measure."""

    expected: Interval  # of a training with a new seed, on new rows
    chance_best: float  # 0 to 1; over all candidates the sum is 1
    change: Interval | None  # from the reference; None without one, and for the reference itself


def compare(
    measures: Sequence[Measure],
    labels: Mapping[int, np.ndarray],
    trainings: Mapping[str, Sequence[Training]],
    reference: str | None = None,
) -> dict[str, dict[str, CandidateScore]]:
    """Compare candidates on the trainings that all of them finished.

    Args:
        measures: the measures to compare by.
        labels: fold -> labels of its rows, [rows].
        trainings: by candidate.
        reference: the candidate from which changes are measured. More candidates make these intervals wider
            (Bonferroni), because one of many is more likely to be better by chance.

    Returns:
        Candidate -> name of the measure -> score.

    Raises:
        ComparisonError: Fewer than two trainings were finished by all candidates.
    """
    numbers = finished_by_all(trainings)
    if len(numbers) < MIN_TRAININGS:
        raise ComparisonError(
            f"too few trainings to compare: expected {MIN_TRAININGS} or more that every candidate finished, received "
            f"{len(numbers)}; allow more minutes or seeds"
        )
    kept = {name: [found for found in all_ if found.number in numbers] for name, all_ in trainings.items()}
    drawn = np.random.default_rng(_SEED).multinomial(len(numbers), [1 / len(numbers)] * len(numbers), _RESAMPLES)
    results: dict[str, dict[str, CandidateScore]] = {name: {} for name in kept}
    for measure in measures:
        values = {name: _resample_mean(measure, labels, found, drawn) for name, found in kept.items()}
        chances = _chances_of_being_best(measure, {name: resamples for name, (_, resamples) in values.items()})
        for name, (value, resamples) in values.items():
            change = None
            if reference is not None and name != reference:
                value_before, before = values[reference]
                change = percentile_interval(
                    value - value_before, resamples - before, 1 - (1 - _LEVEL) / (len(kept) - 1)
                )
            results[name][measure.name] = CandidateScore(
                expected=percentile_interval(value, resamples, _LEVEL), chance_best=chances[name], change=change
            )
    return results


def _resample_mean(
    measure: Measure, labels: Mapping[int, np.ndarray], trainings: Sequence[Training], drawn: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the mean over the trainings, and the mean on each resample, [resamples].

    Args:
        measure: the measure to compute.
        labels: fold -> labels of its rows, [rows].
        trainings: finished trainings of one candidate.
        drawn: how often each resample drew each training, [resamples, trainings].
    """
    once, resamples = [], []
    for training in trainings:
        assert training.predictions is not None  # finished_by_all selected finished trainings
        fold = held_out_fold(training.number)
        of_fold = labels[fold]
        once.append(measure.compute(of_fold, training.predictions, np.ones((1, len(of_fold))))[0])
        # The seed depends on the fold only, so that every candidate is measured on the same draws of the same rows.
        counts = draw_resamples(len(of_fold), len(drawn), _SEED + fold)
        resamples.append(np.concatenate([measure.compute(of_fold, training.predictions, some) for some in counts]))
    return float(np.mean(once)), (np.stack(resamples, axis=1) * drawn).sum(axis=1) / len(trainings)


def _chances_of_being_best(measure: Measure, resamples: Mapping[str, np.ndarray]) -> dict[str, float]:
    stacked = np.stack(list(resamples.values()))  # [candidates, resamples]
    defined = stacked[:, np.isfinite(stacked).all(axis=0)]
    if not defined.shape[1]:
        return dict.fromkeys(resamples, float("nan"))
    best = defined == (defined.max(axis=0) if measure.larger_is_better else defined.min(axis=0))
    shares = (best / best.sum(axis=0)).mean(axis=1)  # candidates with equal values share the chance
    return dict(zip(resamples, shares.tolist(), strict=True))
