"""CSV as text: separators, lines, cells and numbers, as files of rows have them. Knows neither files nor contracts."""
