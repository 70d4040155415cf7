"""Bounds on what one HTTP connection may cost, under the gateway and the model server alike."""
