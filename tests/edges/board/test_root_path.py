"""Below a path of a proxy: every link, form, redirect and cookie stays below it, and nobody else can name one."""

import itertools
import re
from typing import Any

import httpx2
import pytest

from failover_api.edges.http.root_path import ForwardedHeaders
from failover_api.edges.http.session import COOKIE, COOKIE_BELOW, form_token
from failover_api.edges.http.throttle import Throttle
from failover_api.settings import OWN_SEGMENTS
from tests.edges.board.ground import OWN, People, browsing, hidden, person
from tests.support.stage import SERVICES, SONARR, Stage

ROOT = "/ops/failover"
TEAM = People({"secret-token": person("ops-laptop")})
GROUPS = "groups: {media: [sonarr, radarr]}"
PATHS = [
    "/",
    "/cards",
    "/?group=media",
    "/services/sonarr",
    "/services/sonarr/promote",
    "/services/radarr/promote",
    "/groups/media/promote",
    "/signin",
    "/docs",
    "/nowhere",
]


@pytest.fixture
def below(stage: Stage) -> Stage:
    stage.declare(SERVICES, top=GROUPS)
    stage.replace("apps/media/radarr/app.yaml", "role: primary", "role: maintenance")  # its page has questions
    return stage


def links(html: str) -> list[str]:
    """The paths that a page leads to: links, forms, style and script."""
    return [url for url in re.findall(r'(?:href|src|action)="(/[^"]*)"', html) if not url.startswith("//")]


@pytest.mark.parametrize("is_taken_off", [True, False])
async def test_every_link_of_every_page_stays_below(below: Stage, is_taken_off: bool) -> None:
    async with browsing(below, root_path=ROOT) as browser:
        browser.app.state.throttle = Throttle(clock=itertools.count().__next__)
        pages = {path: links((await browser.get(path if is_taken_off else ROOT + path)).text) for path in PATHS}
        found = {url for urls in pages.values() for url in urls}
        answers = {url: (await browser.get(url.replace("&amp;", "&"))).status_code for url in found}
    assert all(pages.values()), pages
    assert [url for url in found if not url.startswith(f"{ROOT}/")] == []
    assert {url for url, status in answers.items() if status not in (200, 409)} == set()


async def test_its_root_may_be_written_without_a_slash(below: Stage) -> None:
    async with browsing(below, root_path=ROOT) as browser:
        page = await browser.get(ROOT)
        beside = await browser.get(f"{ROOT}-2/")
    assert 'id="headline"' in page.text
    assert beside.status_code == 404


async def test_signing_in_moving_and_signing_out_stay_below(below: Stage) -> None:
    async with browsing(below, TEAM, root_path=ROOT) as browser:
        first = await browser.get(f"{ROOT}/services/sonarr")
        form = {"next": re.findall('name="next" value="([^"]*)"', first.text)[0], "bearer": "secret-token"}
        into = await browser.client.post(f"{ROOT}/signin", data=form, headers=OWN)
        cookie = {"cookie": into.headers["set-cookie"].partition(";")[0], **OWN}
        page = await browser.client.get(f"{ROOT}/services/sonarr/promote", headers=cookie)
        done = await browser.client.post(
            f"{ROOT}/services/sonarr/promote", data={**hidden(page.text), "reason": "k3s-w1 is down"}, headers=cookie
        )
        out = await browser.client.post(f"{ROOT}/signout", data={"token": form_token("secret-token")}, headers=cookie)
    assert into.headers["location"] == f"{ROOT}/services/sonarr"
    assert into.headers["set-cookie"] == (
        f"{COOKIE_BELOW}=secret-token; HttpOnly; Path={ROOT}; SameSite=strict; Secure"
    )
    assert done.status_code == 200
    assert b"role: backup" in (below.read(SONARR) or b"")
    assert out.headers["location"] == f"{ROOT}/signin"
    assert f"Path={ROOT};" in out.headers["set-cookie"]
    assert "Max-Age=0" in out.headers["set-cookie"]


async def test_the_cookie_of_the_whole_host_is_not_ours_below(below: Stage) -> None:
    async with browsing(below, TEAM, root_path=ROOT) as browser:
        page = await browser.get("/", cookie=f"{COOKIE}=secret-token")
    assert page.status_code == 401


async def test_the_api_answers_below_and_its_description_says_where(below: Stage) -> None:
    async with browsing(below, root_path=ROOT) as browser:
        status = await browser.client.get(f"{ROOT}/api/failover/sonarr")
        unknown = await browser.client.get(f"{ROOT}/api/failover/nobody")
        health = await browser.client.get("/healthz")
        described = (await browser.client.get(f"{ROOT}/openapi.json")).json()
    assert status.json()["side"] == "primary"
    assert unknown.headers["link"] == f'<{ROOT}/docs#unknown-service>; rel="help"'
    assert health.json() == {"status": "alive"}
    assert described["servers"] == [{"url": ROOT}]
    assert "/api/failover" in described["paths"]


def behind(app: Any, trusted: str) -> Any:
    """The app as `failover serve` puts it behind a proxy; a test client comes from 127.0.0.1."""
    return ForwardedHeaders(app, trusted)


async def shown(stage: Stage, trusted: str, *prefixes: str, **settings: Any) -> httpx2.Response:
    app = stage.app(stage.settings(**settings))
    transport = httpx2.ASGITransport(app=behind(app, trusted))
    headers = [("accept", "text/html"), *(("x-forwarded-prefix", prefix) for prefix in prefixes)]
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://failover.test") as client,
    ):
        return await client.get("/", headers=headers)


@pytest.mark.parametrize(
    ("trusted", "prefixes", "settings", "root"),
    [
        ("127.0.0.1", ["/failover"], {}, "/failover"),
        ("127.0.0.1", ["/failover/"], {}, "/failover"),
        ("*", ["/failover"], {"root_path": "/other"}, "/failover"),
        ("127.0.0.1", [], {"root_path": "/other"}, "/other"),
        ("127.0.0.1", ["/"], {}, ""),
        ("10.42.0.0/16", ["/failover"], {}, ""),
        ("", ["/failover"], {"root_path": "/other"}, "/other"),
    ],
)
async def test_a_prefix_is_believed_of_a_trusted_proxy_alone(
    stage: Stage, trusted: str, prefixes: list[str], settings: dict[str, str], root: str
) -> None:
    page = await shown(stage, trusted, *prefixes, **settings)
    assert f'<a class="brand" href="{root}/">' in page.text


@pytest.mark.parametrize(
    "prefixes",
    [
        ["//evil.example"],
        ["https://evil.example"],
        ["/\\evil.example"],
        ['/"><script>alert(1)</script>'],
        ["/a\tb"],
        ["/a/../b"],
        ["/%0d%0aset-cookie:x"],
        ["/failover, /other"],
        ["/failover", "/other"],
    ],
    ids=str,
)
async def test_a_hostile_prefix_is_ignored(stage: Stage, prefixes: list[str]) -> None:
    page = await shown(stage, "*", *prefixes)
    assert page.status_code == 200
    assert '<a class="brand" href="/">' in page.text
    assert "evil.example" not in page.text


async def test_a_prefix_that_nobody_vouches_for_is_ignored(stage: Stage) -> None:
    async with browsing(stage) as browser:
        page = await browser.get("/", **{"x-forwarded-prefix": "/failover"})
    assert '<a class="brand" href="/">' in page.text


def test_a_root_path_may_begin_like_none_of_our_own_paths(stage: Stage) -> None:
    own = {getattr(route, "path", "/").split("/")[1] for route in stage.app().routes} - {""}
    assert own == OWN_SEGMENTS
