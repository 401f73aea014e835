"""The sandbox: a small GitHub over a real bare Git repository, for the demo and the tests.

    git/        the bare repository
        objects, refs, bare             values and bytes, refs, all together
        history, three_way              log, diff, where branches parted; a merge
    hosting/    what any host knows beyond Git
        world                           its whole state: repositories, the person with a token, limits, faults, requests
        repository                      one repository: its rules, settings and pull requests
        opening, following, merging     pull requests: made and edited, when branches move, merged
        merge_messages, people          the words of a merge; the names on commits
        pushing                         how refs move, and a person's commits
        limits, faults                  rate limits; faults that can be asked for
        refusal                         what is refused, in no host's words
    http/       HTTP to any host
        exchange                        a request and its answer, as values
        wire, fault_replies             acts the faults out, keeps the log of requests; what some faults answer
        serving                         uvicorn in a thread, able to cut a connection
    github/     one dialect: GitHub's endpoints and words
        app                             the table of endpoints, and how a request passes through it
        identity                        the App, its installation, its tokens
        call, answer, refusals          a request as endpoints see it, what they give back, GitHub's words
        account, branches, contents, discussion, gitdata, pulls         the endpoints of REST
        graphql, mutations, lookup, nodes                               GraphQL
        shapes, shapes_git, shapes_pulls                                the JSON of REST
        writing                         how a commit of the API comes about
    cluster/    a simulated Kubernetes cluster that applies the repository; its own map is in cluster/__init__.py
    pages/      what people look at: small HTML pages, where the API's `html_url` leads
        site                            the table of pages, and how a request passes through it
        visit                           one look at one repository: links, and what a path names
        code, pulls                     files, history, commits, comparisons; pull requests and their buttons
        file_diff, markdown             changes as numbered lines; the text of pull requests
        rendering, templates/           from a template to a reply
    sandbox     all of it put together, and a person's acts

Nothing here imports the rest of failover_api.
"""

from failover_api.sandbox.git.objects import EXECUTABLE, NewFile
from failover_api.sandbox.hosting.faults import Fault
from failover_api.sandbox.hosting.world import Request
from failover_api.sandbox.sandbox import Sandbox

__all__ = ["EXECUTABLE", "Fault", "NewFile", "Request", "Sandbox"]
