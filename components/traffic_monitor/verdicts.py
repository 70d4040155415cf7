"""The verdicts on a window, and the significance level. Imports nothing."""

ALARM = "alarm"  # something changed by more than chance, or violates the contract
UNCHANGED = "unchanged"
TOO_FEW = "too_few_rows"  # no alarm, but too few requests to find most changes
EMPTY = "empty"  # no row was answered, and there is no alarm

LEVEL = 0.01  # the highest probability that a window in which nothing changed raises an alarm
