"""How often SkewGate refuses what is right, and how much of what is wrong it catches."""
