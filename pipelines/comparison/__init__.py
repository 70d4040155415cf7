"""Compare a model with those pushed before it, and block the push of one that is worse: BetterGate."""
