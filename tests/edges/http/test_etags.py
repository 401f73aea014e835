"""ETags: what has not changed is not sent again, and what has changed is not written over."""

import pytest

from tests.support.answers import problem
from tests.support.stage import FILES, SONARR, Stage


async def test_if_none_match_gives_304(stage: Stage) -> None:
    async with stage.client() as client:
        for path in ("/api/failover/sonarr", "/api/failover/plex/promote?dry-run=true"):
            etag = (await client.get(path)).headers["etag"]
            for header in (etag, f'"other", {etag}', f"W/{etag}", "*"):
                again = await client.get(path, headers={"If-None-Match": header})
                assert (again.status_code, again.headers["etag"], again.content) == (304, etag, b"")
            assert (await client.get(path, headers={"If-None-Match": '"other"'})).status_code == 200
        etag = (await client.get("/api/failover/sonarr")).headers["etag"]
        stage.replace(SONARR, "role: primary", "role: backup")
        changed = await client.get("/api/failover/sonarr", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


@pytest.mark.parametrize("name", ["sonarr", "plex"])
@pytest.mark.parametrize(
    ("method", "below"), [("GET", ""), ("GET", "/promote?dry-run=true"), ("POST", "/promote?dry-run=true")]
)
async def test_if_match_takes_the_etag_of_a_status_and_of_either_dry_run(
    stage: Stage, name: str, method: str, below: str
) -> None:
    async with stage.client() as client:
        etag = (await client.request(method, f"/api/failover/{name}{below}")).headers["etag"]
        stage.commit({"README.md": "a person's other work\n"})
        done = await client.post(f"/api/failover/{name}/promote", headers={"If-Match": etag})
        assert done.json()["changed"] is True
        again = await client.post(f"/api/failover/{name}/demote", headers={"If-Match": etag})
    problem(again, "precondition-failed", 412)
    assert len(stage.moves) == 1


async def test_a_change_since_the_dry_run_is_412_also_between_check_and_write(stage: Stage) -> None:
    async with stage.client() as client:
        etag = (await client.get("/api/failover/sonarr/promote?dry-run=true")).headers["etag"]
        stage.before_write(lambda: stage.commit({SONARR: FILES[SONARR] + b"# in between\n"}))
        problem(
            await client.post("/api/failover/sonarr/promote", headers={"If-Match": etag}), "precondition-failed", 412
        )
        problem(
            await client.get("/api/failover/sonarr/promote?dry-run=1", headers={"If-Match": etag}),
            "precondition-failed",
            412,
        )
    assert not stage.moves


@pytest.mark.parametrize(
    "header", ["", "x", '"x"', "null", '""', 'w/"{etag}"', "{etag}x", '"{etag}", bad', "{bare}",
               '"' + "a" * 9000 + '"', "'{bare}'", '"..", ".."']
)  # fmt: skip
async def test_a_malformed_if_match_is_412(stage: Stage, header: str) -> None:
    async with stage.client() as client:
        etag = (await client.get("/api/failover/sonarr")).headers["etag"]
        given = header.replace('"{etag}"', etag).replace("{etag}", etag).replace("{bare}", etag.strip('"'))
        response = await client.post("/api/failover/sonarr/promote", headers={"If-Match": given})
    problem(response, "precondition-failed", 412)
    assert not stage.writes


@pytest.mark.parametrize("form", ["W/{etag}", '{bare}-gzip"', 'W/{bare}-gzip"', '{bare};br"', '{bare}--gzip"'])
async def test_what_a_proxy_that_compresses_makes_of_an_etag_is_taken(stage: Stage, form: str) -> None:
    async with stage.client() as client:
        etag = (await client.get("/api/failover/sonarr")).headers["etag"]
        given = form.format(etag=etag, bare=etag.removesuffix('"'))
        same = await client.get("/api/failover/sonarr", headers={"If-None-Match": given})
        assert (same.status_code, same.headers["etag"]) == (304, etag)
        moved = await client.post("/api/failover/sonarr/promote", headers={"If-Match": given})
        assert (moved.status_code, moved.json()["changed"]) == (200, True)
        again = await client.post("/api/failover/sonarr/demote", headers={"If-Match": given})
        problem(again, "precondition-failed", 412)


async def test_any_of_several_if_match_etags_will_do(stage: Stage) -> None:
    async with stage.client() as client:
        etag = (await client.get("/api/failover/sonarr")).headers["etag"]
        stale = f'"{"0" * 32}.{"0" * 16}"'
        assert (await client.post("/api/failover/sonarr/promote", headers={"If-Match": f"{stale}, {etag}"})).is_success
        assert (await client.post("/api/failover/sonarr/demote", headers={"If-Match": "*"})).is_success
