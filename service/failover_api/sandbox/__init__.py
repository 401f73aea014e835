"""The yard: a small GitHub over a real bare Git repository, for the demo and the tests.

    objects     the bare repository: blobs, trees, commits, refs      (dulwich)
    history     log, diff, merge base, merge
    repository  what GitHub knows beyond Git: rules, settings, pull requests
    identity    the App, its tokens, a person's token
    limits      rate limits
    app         the table of endpoints, and how a request passes through it
    contents, gitdata, branches, pulls, account, graphql    the endpoints
    shapes      the JSON that GitHub answers with
    faults      faults that can be asked for
    wire        acts the faults out, keeps the log of requests
    serving     uvicorn in a thread, able to cut a connection
    sandbox     all of it together

Nothing here imports the rest of failover_api.
"""

from failover_api.sandbox.faults import Fault
from failover_api.sandbox.objects import EXECUTABLE, NewFile
from failover_api.sandbox.sandbox import Sandbox
from failover_api.sandbox.wire import Request

__all__ = ["EXECUTABLE", "Fault", "NewFile", "Request", "Sandbox"]
