"""One call of each kind on the client of GitHub."""

from typing import Any

from failover_api.forge.github.client import GitHubClient
from tests.support.builders import REPO

URL = "/repos/acme/homelab/contents/apps%2Fsonarr.yaml"
QUERY = "query { repository { id } }"


async def write(client: GitHubClient) -> Any:
    return await client.write("PUT", REPO, URL, {"message": "m"}, what="writing a.yaml")


async def read(client: GitHubClient) -> bytes:
    return await client.get(REPO, URL, what="reading a.yaml")


async def mutate(client: GitHubClient) -> Any:
    return await client.graphql(REPO, "mutation { x }", {}, what="writing 2 files", writing=True)


async def query(client: GitHubClient) -> Any:
    return await client.graphql(REPO, QUERY, {}, what="reading 2 files")
