"""TLS on every port: certificates that are checked when they are read, and read again when their files change."""
