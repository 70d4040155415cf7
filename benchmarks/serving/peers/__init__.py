"""Peers: services that people write instead of a model server, with the same model."""
