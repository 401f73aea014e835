"""GitHub's words for what the host refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from failover_api.sandbox.github.refusals import refused
from failover_api.sandbox.hosting.refusal import Reason, Refusal
from failover_api.sandbox.hosting.repository import Rule

if TYPE_CHECKING:
    from failover_api.sandbox import Sandbox

FACTS = {"who": "user ID 1", "wait_s": 1.5, "owner": "acme", "head": "side", "base": "main", "branch": "side"}


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_has_words(sandbox: Sandbox, reason: Reason) -> None:
    sandbox.commit({"a": b"1\n"}, "One", "side")
    pull = sandbox.pull(sandbox.open_pull("side"))
    refusal = refused(Refusal(reason, **FACTS, method="squash", rule=Rule("classic"), pull=pull))
    assert refusal.status in {403, 405, 422}
    assert refusal.sentence
