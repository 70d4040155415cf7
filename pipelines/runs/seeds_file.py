"""Where an experiment keeps its trainings with several seeds, in its run's folder. Loads nothing."""

SEEDS_FILE = "seeds.npz"  # pipelines.search.seed_record writes and reads it
