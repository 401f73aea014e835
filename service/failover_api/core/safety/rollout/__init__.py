"""How far a commit has come in the cluster: what Git says, what runs, what stands in between.

    causes        a reason and a cure, in plain words; `texts` has those of Kubernetes' own messages
    expectation   what Git says of the app: its workload, node labels, claims
    live          the workload as it is, and its pods by owner
    appliers      who applies it, which revision, and why not
    place         whether a pod is on the side's node, with the side's claims
    scheduling  blocked      why no pod comes of it, in the order in which Kubernetes meets it
    stage         all of that in one word, one of `stages`: ClusterState
    steps         the way of one commit: Rollout

Serving means a pod that is ready, on the side's node, with the side's claims. What a Deployment says of itself
(Available, Progressing) is never believed: with Recreate and a dead node all of it is well for ever.
"""
