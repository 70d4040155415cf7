"""Where Beam runs: a record for each engine, which gives Beam's arguments and looks after the jobs of a run."""
