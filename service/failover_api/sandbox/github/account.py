"""The root, rate limits, the user, the App and its installation. https://docs.github.com/en/rest/apps/apps"""

from __future__ import annotations

from typing import TYPE_CHECKING

from failover_api.sandbox.github import shapes
from failover_api.sandbox.github.answer import Answer, Refused
from failover_api.sandbox.github.identity import INSTALLATION_ID

if TYPE_CHECKING:
    from failover_api.sandbox.github.call import Call

_RESOURCES = ("core", "graphql", "search", "integration_manifest", "code_search")


def get_root(call: Call) -> Answer:
    return Answer({name: call.base + path for name, path in shapes.ROOT.items()})


def get_rate_limit(call: Call) -> Answer:
    resources = {name: call.world.limits.overview(call.actor.key, name) for name in _RESOURCES}
    return Answer({"resources": resources, "rate": resources["core"]})


def get_user(call: Call) -> Answer:
    if call.actor.kind == "installation":
        raise Refused(403, "Resource not accessible by integration")
    if call.actor.kind != "token":
        raise Refused(401, "Requires authentication")
    user = shapes.user(call.actor.login, call.base, call.web)
    nothing = dict.fromkeys(("name", "company", "location", "email", "hireable", "bio", "twitter_username"))
    counts = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    at = shapes.stamp(call.world.repository.created_at)
    return Answer({**user, **nothing, "blog": "", **counts, "created_at": at, "updated_at": at})


def get_app(call: Call) -> Answer:
    return Answer(shapes.app(call))


def get_installations(call: Call) -> Answer:
    return Answer([shapes.installation(call)] if call.identities.installed else [])


def get_installation(call: Call) -> Answer:
    """By its number, or from a repository it is installed on."""
    number = call.params.get("id", str(INSTALLATION_ID))
    if number != str(INSTALLATION_ID) or not call.identities.installed:
        raise Refused(404, "Not Found", url="https://docs.github.com/rest/apps/apps")
    return Answer(shapes.installation(call))


def post_access_token(call: Call) -> Answer:
    get_installation(call)
    repositories = {repo.id: repo.full_name for repo in call.world.repositories.values()}
    minted = call.identities.mint(call.json(), repositories)
    return Answer(shapes.access_token(minted, call), 201)


def get_repositories(call: Call) -> Answer:
    """What an installation token reaches."""
    if call.actor.kind != "installation":
        raise Refused(403, "You must authenticate with an installation access token in order to list repositories.")
    seen = [repo for repo in call.world.repositories.values() if call.actor.sees(repo.full_name)]
    listed = [shapes.repository(repo, call, full=True) for repo in seen]
    return Answer({"total_count": len(listed), "repository_selection": "selected", "repositories": listed})
