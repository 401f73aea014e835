"""Automatic failover, pure: who leads among the replicas, what they share, and what they say of it.

election    what a look at their Lease means
notes       what is kept in its annotations
report      what the leader sees and would do
alive       whether a person may say of a node that it is off
"""
