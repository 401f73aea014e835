"""Who is told of a move, off the path of whoever asked for it.

notifier, delivery    people, by the catalog's `notifications`
trial                 the same people, by a test message
flux_receiver         Flux, so that nobody waits for its poll
  messages            what there is to tell
merges                which pull requests of ours somebody merged
"""
