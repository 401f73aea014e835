"""failover-api: moves stateful services between two nodes by changing their manifests in Git.

    edges           where the world touches us: HTTP, web pages, command line
      wiring        where the pieces meet
        metrics, telling    what is counted; who is told of a move
        failover    the use cases
          moves     a wish becomes a change in Git: a commit (writer, batch) or a pull request (proposer, proposal)
            history what Git says of a service, and what of it is true (proofs, lineage)
            forge   Git hosts: GitHub
              core  pure: catalog, state, plan, message; splice, the YAML editor
                errors
    sandbox         the yard: a small GitHub, for the demo and the tests

Imports point down only. One request, `POST /api/failover/sonarr/promote`:

    edges.api       parses it and calls Failover.move()
    observation     reads the manifests, from the cache when there is a copy
    core.plan       thinks: the edits, the new text, the proof
    forge.github    PUTs the new text with the blob sha it was made from
    moves.batch     reads, thinks and writes again when the branch changed under us
    edges.answers   shapes the outcome
"""


def __getattr__(name: str) -> str:
    """`__version__`, read from the installed package when somebody asks."""
    if name == "__version__":
        from importlib.metadata import version

        return version("failover-api")
    raise AttributeError(name)
