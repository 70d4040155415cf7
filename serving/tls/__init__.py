"""TLS for every port: certificates are checked when they are read, and read again when their files change."""
