"""The prediction tasks, one package each."""
