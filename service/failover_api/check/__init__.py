"""`failover check`: everything an operator could have wrong, a line for each.

run            all of it, on GitHub or on a working tree
hazards        of every service, both ways; automatic, relocations: what each of these needs
cluster        of the cluster, where one is looked at
"""
