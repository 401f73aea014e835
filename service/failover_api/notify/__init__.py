"""Who is told of a move, off the path of whoever asked for it.

notifier, delivery    people, by the catalog's `notifications`
flux_receiver         Flux, so that nobody waits for its poll
  messages, merges    what there is to tell; pull requests of ours that somebody merged
    changes           a signal inside the process: GitHub says, look again
"""
