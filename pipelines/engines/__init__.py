"""Define where Beam runs: a record for each engine, with Beam's arguments and a session that ends the run's jobs."""
