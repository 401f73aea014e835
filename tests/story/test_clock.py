"""A machine whose clock is wrong moves services all the same, and says that it is wrong."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from failover_api.check.run import check_all
from failover_api.core.access.model import Access, Grant, Rule, StaticToken, Verb, digest_of
from failover_api.core.access.model import Issuer as Configured
from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest
from failover_api.edges.http.access import Authenticator
from failover_api.edges.http.oidc import Verifier
from failover_api.errors import Unauthenticated
from tests.support.issuer import Issuer, github_claims
from tests.support.stage import SONARR, Stage

WRONG = [61, 540, -61, -540, 3 * 86_400, -3 * 86_400]


def set_wrong(stage: Stage, ahead_s: float) -> None:
    """Our clock is right in a test, so GitHub's is the one that is moved."""
    stage.sandbox.clock = lambda: time.time() - ahead_s


@pytest.mark.parametrize("ahead_s", WRONG)
async def test_an_app_moves_a_service_by_a_clock_that_is_wrong(stage: Stage, ahead_s: float) -> None:
    set_wrong(stage, ahead_s)
    async with stage.open(stage.app_settings()) as components:
        outcome = await components.failover.move("sonarr", Action.PROMOTE, MoveRequest(by="maria"))
        checks = await check_all(components.catalog, components.github, components.failover)
    assert outcome.changed
    assert b"role: backup" in (stage.read(SONARR) or b"")
    assert all(check.ok for check in checks)
    (clock,) = [check.detail for check in checks if check.name == "clock"]
    way = "ahead of" if ahead_s > 0 else "behind"
    assert clock.startswith(f"{abs(ahead_s):,} s {way} GitHub;")
    refusals = [r for r in stage.requests if r.status == 401]
    assert len(refusals) == (ahead_s != -61), "it is learnt once; a minute behind is within what GitHub takes"


@pytest.mark.parametrize("ahead_s", [3600, -3600])
async def test_the_record_of_a_move_is_dated_by_github(stage: Stage, ahead_s: float) -> None:
    set_wrong(stage, ahead_s)
    async with stage.open(stage.app_settings()) as components:
        await components.failover.status("sonarr")
        await components.failover.move("sonarr", Action.PROMOTE, MoveRequest(by="maria"))
    (at,) = re.findall(r"Failover-Requested-At: (\S+)", stage.moves[0])
    assert abs(datetime.fromisoformat(at).timestamp() - stage.sandbox.clock()) < 10


async def test_a_right_clock_is_nothing_to_check(stage: Stage) -> None:
    async with stage.open(stage.app_settings()) as components:
        checks = await check_all(components.catalog, components.github, components.failover)
    assert "clock" not in [check.name for check in checks]
    assert not [r for r in stage.requests if r.status == 401]


async def test_a_static_token_ends_by_githubs_clock(stage: Stage) -> None:
    expires = datetime.now(UTC) + timedelta(hours=1)
    access = Access(frozenset(), (StaticToken("ops", digest_of("secret"), Grant.of(Verb, ["*"]), expires),), ())
    for ahead_s, lives in ((0, True), (-7200, False), (7200, True)):
        set_wrong(stage, ahead_s)
        async with stage.open() as components:
            await components.failover.status("sonarr")
            gate = Authenticator(lambda: access, clock=components.clock)
            if lives:
                assert (await gate.identify("secret", "127.0.0.1")).name == "ops"
            else:
                with pytest.raises(Unauthenticated, match="expired"):
                    await gate.identify("secret", "127.0.0.1")


async def test_an_issuers_token_is_judged_by_githubs_clock(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    issuer = Issuer()
    rule = Rule({"repository_id": frozenset({"123456"})}, Grant.of(Verb, ["*"]))
    with issuer.serve():
        known = [Configured(url=issuer.url, audience="failover-api", rules=(rule,))]
        now = int(time.time())
        claims = github_claims(aud="failover-api")
        ours_is_behind = issuer.sign({**claims, "iat": now + 540, "nbf": now + 540, "exp": now + 840})
        old = issuer.sign({**claims, "iat": now - 300, "nbf": now - 300, "exp": now + 60})
        set_wrong(stage, -540)
        async with stage.open() as components:
            await components.failover.status("sonarr")
            verifier = Verifier(wall=components.clock)
            assert (await verifier.verify(ours_is_behind, known)).claims["actor"] == "maria"
            with pytest.raises(Unauthenticated, match="expired"):
                await verifier.verify(old, known)
            await verifier.aclose()
