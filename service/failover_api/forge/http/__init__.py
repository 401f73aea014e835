"""HTTP to a Git host, whatever its dialect: connections, copies with ETags, limits, credentials, what is counted."""
