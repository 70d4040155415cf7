"""Services that people write in place of a model server, with the same model: what ours is held against."""
