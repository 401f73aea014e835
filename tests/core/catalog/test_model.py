"""The catalog as values."""

from dataclasses import replace

import pytest

from failover_api.core.catalog.model import (
    Action,
    Branch,
    Catalog,
    Policy,
    PullRequestOptions,
    Service,
    Side,
    Switch,
    Workload,
)
from failover_api.core.splice import Selector
from tests.support.builders import service, switch

DEPLOYMENT = Selector("Deployment", "web", "media")
FOUND = Switch(None, DEPLOYMENT, ("spec", "a.b"), "p", "b")
FREE = switch("spec.paused", False, True, allow="type")
SWITCHES = (FOUND, FREE, replace(FOUND, path=("spec", "c")))
WEB = service(*SWITCHES, name="web", search="apps/", groups=("all",))


def test_promote_goes_to_backup_and_demote_to_primary() -> None:
    assert (Action.PROMOTE.target, Action.DEMOTE.target) == (Side.BACKUP, Side.PRIMARY)


def test_a_switch_has_a_value_on_each_side() -> None:
    assert (FREE.value(Side.PRIMARY), FREE.value(Side.BACKUP)) == (False, True)
    assert FOUND.path_text == 'spec["a.b"]'


def test_a_service_is_located_once_and_for_all_its_switches() -> None:
    located = WEB.located("apps/web.yaml")
    assert WEB.wanted == DEPLOYMENT
    assert WEB.files == ("a.yaml",)
    assert located.wanted is None
    assert located.files == ("apps/web.yaml", "a.yaml")
    assert located.located("other.yaml") == located


def test_the_branches_of_a_catalog_are_named_once() -> None:
    other = replace(WEB, name="other", branch=Branch("acme/other", "main"))
    services = {"web": WEB, "again": replace(WEB, name="again"), "other": other}
    assert [str(branch) for branch in Catalog(services, {}).branches] == ["acme/homelab@main", "acme/other@main"]
    assert other.branch.owner == "acme"


def test_the_same_entry_has_the_same_digest() -> None:
    assert WEB.digest == replace(WEB).digest
    assert WEB.digest == replace(WEB, groups=()).digest


@pytest.mark.parametrize(
    "other",
    [
        replace(WEB, name="other"),
        replace(WEB, branch=Branch("acme/homelab", "dev")),
        replace(WEB, search=""),
        replace(WEB, policy=Policy.PULL_REQUEST),
        replace(WEB, fallback=Policy.PULL_REQUEST),
        replace(WEB, pull_request=PullRequestOptions(labels=("a",))),
        replace(WEB, switches=(FREE,)),
        replace(WEB, switches=(*WEB.switches[:2], replace(FOUND, path=("spec", "d")))),
        replace(WEB, switches=(FOUND, replace(FREE, allow=frozenset()), *WEB.switches[2:])),
        replace(WEB, switches=(FOUND, replace(FREE, primary="false"), *WEB.switches[2:])),
        replace(WEB, switches=(FOUND, replace(FREE, selector=Selector(name="x")), *WEB.switches[2:])),
        WEB.located("apps/web.yaml"),
    ],
)
def test_another_entry_has_another_digest(other: Service) -> None:
    assert other.digest != WEB.digest


UNBLOCKED = replace(WEB, unblocked=Workload(None, DEPLOYMENT))


def test_what_a_promote_unblocks_is_located_with_the_switches() -> None:
    located = UNBLOCKED.located("apps/web.yaml", 2)
    assert located.unblocked == Workload("apps/web.yaml", replace(DEPLOYMENT, index=2))
    alone = replace(UNBLOCKED, switches=(FREE,))
    assert (alone.wanted, alone.located("b.yaml").files) == (DEPLOYMENT, ("a.yaml", "b.yaml"))
    assert UNBLOCKED.digest != WEB.digest != located.digest


def test_renamed_files_are_renamed_everywhere() -> None:
    renamed = UNBLOCKED.located("apps/web.yaml").renamed({"apps/web.yaml": "web.yaml"})
    assert renamed.files == ("web.yaml", "a.yaml")
    assert renamed.unblocked == Workload("web.yaml", DEPLOYMENT)
