"""Stop the run when the data does not meet the contract."""
