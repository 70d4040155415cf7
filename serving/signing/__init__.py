"""Sign versions of a model, so that servers load exactly what was pushed (docs/how-to/trust.md). Without TensorFlow.

Pusher signs a manifest of all files of a version with Ed25519. A server, or a copy for one, verifies it before loading.
"""
