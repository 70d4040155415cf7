"""Reads windows of time of the gateway's request log as Examples."""
