"""Name the file in a run's folder with an experiment's trainings with several seeds. It loads no library."""

SEEDS_FILE = "seeds.npz"  # pipelines.search.seed_record writes and reads it
