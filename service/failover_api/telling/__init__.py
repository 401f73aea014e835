"""Who is told of a move, off the path of whoever asked for it.

notify, courier     people, by the catalog's `notifications`
flux                Flux, so that nobody waits for its poll
  notices, merges   what there is to tell; pull requests of ours that somebody merged
    changes         a signal inside the process: GitHub says, look again
"""
