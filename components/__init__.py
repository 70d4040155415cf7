"""TFX components that TFX itself lacks: two gates, an atomic pusher, and a CSV reader that fails on a bad row."""
