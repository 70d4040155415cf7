"""Many runs at a glance: the leaderboard, TensorBoard with readable names, and the export to MLflow."""
