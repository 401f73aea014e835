"""A simulated Kubernetes cluster that obeys the sandbox's repository, faults included.

    cluster         SimulatedCluster: a person's acts, what fate does to machines, what there is to look at
    world           its state: controllers, machines, what is installed in it, time
    clock           one loop of timed calls, stepped by a test or driven by real time
    store           objects, one version for all, the changes that led here
    registry        what the API server does with a write; admission, applying (server-side apply)
    plane           what every controller is given; work queues, events
    manifests       YAML as objects
    objects/        what a Kubernetes object is, in plain JSON: kinds, defaults, validation, patches, selectors, texts
    api/            the API server over HTTP: any Kubernetes client can speak to it
        app, request, reading, writing, watching, discovery, reviews, disruption        what it answers
        accounts, access, faults                                who may; kubeconfig and TLS; what may be wrong with it
    control/        the controller-manager
        deployments, rollout_status, replica_sets, stateful_sets, jobs, pods            workloads
        node_lifecycle, taint_eviction, pod_gc                                          nodes that are gone
        volumes, attachments, endpoints, autoscaler, garbage                            the rest
    scheduler/      which node, or why none: filters, claims
    nodes/          machines, their containers, their disks, their kubelets
    flux/           sources, kustomizations (kustomize, substitution, applying, health), releases (chart), notifications
    volsync/        replication, movers, cron

What is not simulated: printed tables, owners of fields, admission policies, DaemonSets, CronJobs, networks, and real
containers. A HelmRelease is rendered from its values alone (flux/chart), VolSync's images are bytes and no claims.
"""
