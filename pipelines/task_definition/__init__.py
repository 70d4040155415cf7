"""Define what a prediction task provides: functions, contract, hyperparameters and scoping."""
