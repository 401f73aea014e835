"""Git hosts. `port` is what the use cases need of one, in the plain values of `values`.

    github        GitHub: `adapter` is the port over its REST and GraphQL, each other module a part of that
    repository    of any host: what our own writes made of a branch, and writes whose reply was lost
    http          of any host: connections, the ETag cache, rate limits, credentials, traffic events

An adapter translates and does nothing else: what is tried again after a lost race is decided in moves.
"""
