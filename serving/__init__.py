"""The pushed model answers: knows a SavedModel and a contract, and nothing of how they were made."""
