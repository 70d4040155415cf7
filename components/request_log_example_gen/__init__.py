"""Read time windows of the gateway's request log as Examples."""
