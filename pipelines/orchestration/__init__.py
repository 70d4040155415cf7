"""A run of one node a process, for orchestrators: docs/decisions/0055-one-node-a-process.md."""
