"""CSV text: separators, lines, cells and numbers in files of rows. Independent of files and contracts."""
