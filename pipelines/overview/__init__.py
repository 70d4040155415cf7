"""Show many runs together: the leaderboard, links for TensorBoard, and the export to MLflow."""
