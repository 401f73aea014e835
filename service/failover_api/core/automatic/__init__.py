"""Automatic failover, pure: who leads among the replicas, and what is kept in the Lease by which he does."""
