"""What the notebooks share. They read runs and prototype; nothing of the pipeline imports from here."""
