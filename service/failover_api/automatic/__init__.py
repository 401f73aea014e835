"""AUTOMATIC: what moves the services of a dead node by itself, if it was asked to; else nothing of it is loaded.

leader      one of the replicas leads, by a Lease: it saves calls, and safety is Git's compare-and-swap
"""
