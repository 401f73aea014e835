"""The yard: a small GitHub over a real bare Git repository, for the demo and the tests.

    objects, refs, bare             the bare repository: values and bytes, refs, all together
    history, three_way              log, diff, where branches parted; a merge
    repository                      what GitHub knows beyond Git: rules, settings, pull requests
    opening, following, merging     pull requests: made and edited, when branches move, merged
    pushing, writing                how refs move; how a commit of the API comes about
    identity, people                the App, its tokens, a person's token; the names on commits
    limits                          rate limits
    app                             the table of endpoints, and how a request passes through it
    account, branches, contents, discussion, gitdata, pulls         the endpoints of REST
    graphql, mutations, lookup, nodes                               GraphQL
    shapes, shapes_git, shapes_pulls                                the JSON that GitHub answers with
    faults, fault_replies           faults that can be asked for, and what some of them answer
    exchange, call                  a request and its answer, on the wire and as endpoints see it
    wire                            acts the faults out, keeps the log of requests
    serving                         uvicorn in a thread, able to cut a connection
    sandbox                         all of it, and a person's acts

Nothing here imports the rest of failover_api.
"""

from failover_api.sandbox.git.objects import EXECUTABLE, NewFile
from failover_api.sandbox.hosting.faults import Fault
from failover_api.sandbox.http.exchange import Request
from failover_api.sandbox.sandbox import Sandbox

__all__ = ["EXECUTABLE", "Fault", "NewFile", "Request", "Sandbox"]
