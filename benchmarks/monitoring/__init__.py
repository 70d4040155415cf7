"""How often monitoring raises an alarm when nothing changed, and how often it finds a planted change."""
