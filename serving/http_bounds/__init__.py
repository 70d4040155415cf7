"""Limits of HTTP connections, for the gateway and the model server."""
