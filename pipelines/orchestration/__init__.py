"""Run each node of a run in its own process, for orchestrators: docs/decisions/0055-one-node-a-process.md."""
