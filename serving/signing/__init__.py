"""Signed versions of a model: what was pushed is what is loaded (docs/how-to/trust.md). Without TensorFlow.

Pusher signs a manifest of all files of a version with Ed25519. Whoever loads a version verifies it before.
"""
