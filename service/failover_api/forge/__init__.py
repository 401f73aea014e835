"""Git hosts. `port.py` says what the use cases need of one; each other module serves GitHub's adapter.

An adapter translates and does nothing else: what may be retried after a lost race is decided in failover.py.
"""
