"""`failover demo`: a failover from end to end, on this machine alone."""
