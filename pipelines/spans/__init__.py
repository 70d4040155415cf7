"""Name, find and choose spans: the rows of a quarter, a month or a day. Nothing here loads TFX."""
