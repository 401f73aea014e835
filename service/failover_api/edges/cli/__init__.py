"""`failover ...`: the same use cases from a terminal."""
