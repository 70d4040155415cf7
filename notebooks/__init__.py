"""Share helpers between the notebooks. The pipeline does not import this package."""
