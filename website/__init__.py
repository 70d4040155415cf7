"""Make the site of docs/: the generated reference, the check of words, and the figures."""
