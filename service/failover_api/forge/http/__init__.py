"""HTTP to a Git host: connections, the ETag cache, rate limits, credentials, traffic events."""
