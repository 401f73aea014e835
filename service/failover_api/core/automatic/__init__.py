"""Automatic failover, pure: who leads among the replicas, and what they share.

election    what a look at their Lease means
notes       what is kept in its annotations
"""
