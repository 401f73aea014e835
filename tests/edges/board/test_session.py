"""Signing in and out, and forms that other sites send."""

import re

import pytest

from failover_api.core.access.model import Caller
from failover_api.edges.http.session import COOKIE, MAX_BEARER, form_token
from failover_api.errors import TooManyRequests
from tests.edges.board.ground import OWN, People, browsing, hidden, person, text
from tests.support.stage import Stage

TEAM = People({"secret-token": person("ops-laptop"), "other": person("maria")})


async def test_signing_in_sets_a_cookie_that_only_this_host_gets_back(stage: Stage) -> None:
    async with browsing(stage, TEAM) as browser:
        answer = await browser.client.post(
            "/signin", data={"next": "/services/sonarr", "bearer": " Bearer secret-token\n"}, headers=OWN
        )
    assert (answer.status_code, answer.headers["location"]) == (303, "/services/sonarr")
    cookie = answer.headers["set-cookie"]
    assert cookie == f"{COOKIE}=secret-token; HttpOnly; Path=/; SameSite=strict; Secure"
    assert COOKIE.startswith("__Host-")


async def test_the_cookie_is_who_comes(stage: Stage) -> None:
    async with browsing(stage, TEAM, "secret-token") as browser:
        page = await browser.get("/")
    assert "Signed in as ops-laptop" in text(page.text)
    assert "secret-token" not in page.text


async def test_every_token_comes_back_as_it_was(stage: Stage) -> None:
    bearer = "eyJ.a-b_c~d/e+f=="
    async with browsing(stage, People({bearer: person("ops-laptop")})) as browser:
        answer = await browser.client.post("/signin", data={"next": "/", "bearer": bearer}, headers=OWN)
        cookie = answer.headers["set-cookie"].partition(";")[0]
        page = await browser.get("/", cookie=cookie)
    assert "Signed in as ops-laptop" in text(page.text)


async def test_the_cookie_opens_what_scripts_read_but_not_the_api(stage: Stage) -> None:
    async with browsing(stage, TEAM, "secret-token") as browser:
        docs, schema = await browser.get("/docs"), await browser.get("/openapi.json")
        api = await browser.get("/api/failover")
        other = await browser.get("/docs", authorization="Bearer wrong")
        move = await browser.client.post(
            "/api/failover/sonarr/promote", headers={**OWN, "cookie": f"{COOKIE}=secret-token"}
        )
    assert [answer.status_code for answer in (docs, schema, api, other, move)] == [200, 200, 401, 401, 401]
    assert stage.writes == []


async def test_an_unknown_token_is_refused_and_not_shown_again(stage: Stage) -> None:
    async with browsing(stage, TEAM) as browser:
        answer = await browser.client.post("/signin", data={"next": "/", "bearer": "wrong-token"}, headers=OWN)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "wrong-token" not in answer.text


@pytest.mark.parametrize("bearer", ["", "two words", "tab\ttoken", "semi;colon", "é", "x" * (MAX_BEARER + 1)])
async def test_what_a_cookie_cannot_hold_is_no_token(stage: Stage, bearer: str) -> None:
    people = People({bearer: person("nobody")})
    async with browsing(stage, people) as browser:
        answer = await browser.client.post("/signin", data={"next": "/", "bearer": bearer}, headers=OWN)
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers
    assert people.seen == []


async def test_a_first_visit_is_a_sign_in_and_no_error(stage: Stage) -> None:
    async with browsing(stage, TEAM) as browser:
        first = await browser.get("/")
        wrong = await browser.client.post("/signin", data={"next": "/", "bearer": "wrong-token"}, headers=OWN)
    assert first.status_code == 401
    assert 'role="alert"' not in first.text
    assert "<h1>Sign in</h1>" in first.text
    assert 'role="alert"' in wrong.text


async def test_a_password_manager_finds_a_name_and_a_password(stage: Stage) -> None:
    async with browsing(stage, TEAM) as browser:
        page = await browser.get("/signin")
    form = page.text.partition('action="/signin"')[2].partition("</form>")[0]
    fields = re.findall(r'<input [^>]*name="(\w+)" type="(\w+)" autocomplete="([\w-]+)"', form)
    assert fields == [("username", "text", "username"), ("bearer", "password", "current-password")]


async def test_a_cookie_that_is_not_valid_any_more_is_told_and_dropped(stage: Stage) -> None:
    async with browsing(stage, TEAM, "expired") as browser:
        page = await browser.get("/")
    assert page.status_code == 401
    assert 'role="alert"' in page.text
    assert page.headers["set-cookie"].startswith(f'{COOKIE}="";')
    assert "Max-Age=0" in page.headers["set-cookie"]


async def test_too_many_tries_are_told_to_wait(stage: Stage) -> None:
    class Busy:
        async def identify(self, bearer: str | None, address: str) -> Caller:
            raise TooManyRequests("too many failed attempts from this address", retry_after_s=60.0)

    async with browsing(stage, Busy()) as browser:
        answer = await browser.client.post("/signin", data={"next": "/", "bearer": "guess"}, headers=OWN)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


@pytest.mark.parametrize(
    "goal", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "", "/\r\nX: y", "/é"]
)
async def test_signing_in_leads_to_no_other_site(stage: Stage, goal: str) -> None:
    async with browsing(stage, TEAM) as browser:
        answer = await browser.client.post("/signin", data={"next": goal, "bearer": "other"}, headers=OWN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_signing_out_forgets_the_cookie(stage: Stage) -> None:
    async with browsing(stage, TEAM, "other") as browser:
        answer = await browser.post("/signout", {})
    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert "Secure" in answer.headers["set-cookie"]


async def test_a_link_on_another_site_is_followed_once_more_with_the_cookie(stage: Stage) -> None:
    async with browsing(stage, TEAM) as browser:
        elsewhere = await browser.get("/services/sonarr", **{"sec-fetch-site": "cross-site"})
        here = await browser.get("/services/sonarr")
    again = '<meta http-equiv="refresh" content="0">'
    assert again in elsewhere.text
    assert again not in here.text


FOREIGN = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "cross-site", "origin": "http://failover.test"},
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("path", ["/services/sonarr/promote", "/signin", "/signout"])
async def test_a_form_of_another_site_is_refused(stage: Stage, path: str, headers: dict[str, str]) -> None:
    async with browsing(stage, TEAM, "other") as browser:
        page = await browser.get("/services/sonarr/promote")
        fields = {**hidden(page.text), "next": "/", "bearer": "secret-token"}
        cookie = {"cookie": f"{COOKIE}=other", "accept": "text/html"}
        answer = await browser.client.post(path, data=fields, headers={**headers, **cookie})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert stage.writes == []


async def test_our_own_origin_is_enough_where_a_browser_says_no_more(stage: Stage) -> None:
    async with browsing(stage, TEAM, "other") as browser:
        page = await browser.get("/services/sonarr/promote")
        headers = {"cookie": f"{COOKIE}=other", "origin": "https://failover.test", "accept": "text/html"}
        answer = await browser.client.post("/services/sonarr/promote", data=hidden(page.text), headers=headers)
    assert answer.status_code == 200
    assert len(stage.moves) == 1


async def test_a_form_of_another_session_is_refused(stage: Stage) -> None:
    async with browsing(stage, TEAM, "other") as browser:
        page = await browser.get("/services/sonarr/promote")
        for token in (form_token("secret-token"), form_token(None), "", "é"):
            answer = await browser.post("/services/sonarr/promote", {**hidden(page.text), "token": token})
            assert answer.status_code == 403
    assert stage.writes == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"token=x&token=x", 400),
        (b"\xff=1", 400),
        (b"a=1&" * 30, 400),
        (b"a=" + b"x" * 20_000, 413),
        (b"", 400),
    ],
)
async def test_a_form_that_is_none_is_refused(stage: Stage, body: bytes, status: int) -> None:
    async with browsing(stage, TEAM, "other") as browser:
        headers = {**OWN, "cookie": f"{COOKIE}=other", "content-type": "application/x-www-form-urlencoded"}
        answer = await browser.client.post("/services/sonarr/promote", content=body, headers=headers)
    assert answer.status_code == status


async def test_another_media_type_is_refused(stage: Stage) -> None:
    async with browsing(stage, TEAM, "other") as browser:
        headers = {**OWN, "cookie": f"{COOKIE}=other", "content-type": "text/plain"}
        answer = await browser.client.post("/services/sonarr/promote", content=b"token=x", headers=headers)
    assert answer.status_code == 415
