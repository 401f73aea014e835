"""failover-api: moves stateful services between two nodes by changing their manifests in Git.

One idea, visible in the folders: read, think, write.

    reading/    what stands in Git                      read
    core/       what follows from it; pure              think
    moves/      a change in Git, by compare-and-swap    write

    edges/          HTTP, web pages, the command line, a step of a job, the demo
      wiring        the one place where the pieces meet
        automatic/, watching/   what moves by itself when a node dies; what is under way, kept an eye on
        check/, metrics/, notify/   what is wrong with the setup; what is counted; who is told
        overview    where every service is, as last seen: one look for all who want to know
        failover    the use cases
        operations/ what is made of several commits: waves, relocations
        events      what happens, told to whoever subscribed
          forge/    Git hosts: port says what is needed of one; http and repository are for any; github is one
          cluster/  Kubernetes, read; absent unless it is configured
    sandbox/        a small GitHub and a small cluster, for the demo and the tests

Imports point down only: the contracts are in pyproject.toml. One request, `POST /api/failover/sonarr/promote`:

    edges/api/routes          takes it; edges/move_request reads it, edges/targets asks who may
    failover                  makes a Move of it, with a deadline
    moves/direct              waits its turn, with all who wait
    reading/services          reads the manifests, from the copy when there is one
    core/planning/plan        plans: the edits, the new text, the proof
    forge/github              PUTs the new text with the blob sha it was made from
    edges/bodies              the outcome as JSON
"""


def __getattr__(name: str) -> str:
    """`__version__`, read from the installed package when somebody asks."""
    if name == "__version__":
        from importlib.metadata import version

        return version("failover-api")
    raise AttributeError(name)
