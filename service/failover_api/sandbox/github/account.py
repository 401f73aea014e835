"""The root, rate limits, the user, the App and its installation. https://docs.github.com/en/rest/apps/apps"""

from __future__ import annotations

from failover_api.sandbox.github import shapes
from failover_api.sandbox.github.call import Answer, Call, Refused
from failover_api.sandbox.github.identity import INSTALLATION_ID

_RESOURCES = ("core", "graphql", "search", "integration_manifest", "code_search")


def get_root(call: Call) -> Answer:
    return Answer({name: call.base + path for name, path in shapes.ROOT.items()})


def get_rate_limit(call: Call) -> Answer:
    resources = {name: call.sandbox.limits.overview(call.actor.key, name) for name in _RESOURCES}
    return Answer({"resources": resources, "rate": resources["core"]})


def get_user(call: Call) -> Answer:
    if call.actor.kind == "installation":
        raise Refused(403, "Resource not accessible by integration")
    if call.actor.kind != "token":
        raise Refused(401, "Requires authentication")
    known = shapes.user(call.actor.login, call.base, call.web)
    nothing = dict.fromkeys(("name", "company", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    at = shapes.stamp(call.sandbox.repository.created_at)
    return Answer({**known, **nothing, "blog": "", **counts, "created_at": at, "updated_at": at})


def get_app(call: Call) -> Answer:
    return Answer(shapes.app(call.sandbox, call.base, call.web))


def get_installations(call: Call) -> Answer:
    return Answer([_installation(call)] if call.sandbox.identities.installed else [])


def get_installation(call: Call) -> Answer:
    """By its number, or from a repository it is installed on."""
    wanted = call.params.get("id", str(INSTALLATION_ID))
    if wanted != str(INSTALLATION_ID) or not call.sandbox.identities.installed:
        raise Refused(404, "Not Found", url="https://docs.github.com/rest/apps/apps")
    return Answer(_installation(call))


def post_access_token(call: Call) -> Answer:
    get_installation(call)
    known = {repo.id: repo.full_name for repo in call.sandbox.repositories.values()}
    minted = call.sandbox.identities.mint(call.json(), known)
    return Answer(shapes.access_token(minted, call), 201)


def get_repositories(call: Call) -> Answer:
    """What an installation token reaches."""
    if call.actor.kind != "installation":
        raise Refused(403, "You must authenticate with an installation access token in order to list repositories.")
    seen = [repo for repo in call.sandbox.repositories.values() if call.actor.sees(repo.full_name)]
    listed = [shapes.repository(repo, call, full=True) for repo in seen]
    return Answer({"total_count": len(listed), "repository_selection": "selected", "repositories": listed})


def _installation(call: Call) -> dict[str, object]:
    return shapes.installation(call.sandbox, call.base, call.web)
