"""Kubernetes, read over HTTP; absent unless it is configured. `port` is what the use cases need of it.

    kubernetes     Cluster of the real API: each method is one of the parts
    look           every kind listed once, within a time
    live_view      every kind kept in memory, by `reflector`s: lists, then watches
    lists          all objects of a kind, page by page
    kinds          which kinds, where they are, how they are parsed
    nodes  leases  workloads  volumes  flux      paths, and objects of each kind as values; `fields` reads any JSON
    access_review  what we may read
    election_lease the Lease by which one of several replicas leads: all that is written
    client         one request, one watch; `session` connections, `credentials` and `plugin` what is shown
    kubeconfig  in_cluster      where a cluster is and who we are there, as the values of `access`
    replies        what a refusal means

Nothing else is written, and no secret is read.
"""
