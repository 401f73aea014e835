"""Git hosts. `port` says what the use cases need of one.

    github        GitHub: adapter is the port over its REST and GraphQL, each other module a part of that
      repository  what our own writes made of a branch, and those that may land yet
      http        connections, copies with ETags, limits, credentials, what is counted

An adapter translates and does nothing else: what may be tried again after a lost race is decided in moves.
"""
