"""The verdicts on a window, and the level they are given at. Loads nothing."""

ALARM = "alarm"  # something changed by more than chance, or breaks the contract
UNCHANGED = "unchanged"
TOO_FEW = "too_few_rows"  # nothing stands out, but little would
EMPTY = "empty"  # no row was answered

LEVEL = 0.01  # the chance that a window in which nothing changed raises an alarm is at most this
