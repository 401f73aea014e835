"""How many hazards the sample homelab shows: each of them is true, and there is no other."""

from collections import Counter

from bench.figures.hazards import HOMELAB, count, told
from bench.rig import repositories
from failover_api.core.catalog.load import parse_catalog

CATALOG = repositories.SAMPLE_CATALOG.read_text(encoding="utf-8")


def test_the_sample_homelab_shows_true_ones_alone() -> None:
    assert count(repositories.sample(), CATALOG) == Counter(HOMELAB)


def test_they_are_of_the_apps_that_are_made_to_show_them() -> None:
    found = told(repositories.sample(), parse_catalog(CATALOG, file="services.yaml"))
    assert {hazard.slug: hazard.about for hazard in found} == {
        "statefulset-blocks": "StatefulSet office/paperless-db",
        "data-left-behind": "Deployment security/vaultwarden",
        "rolling-on-one-volume": "Deployment home/zigbee2mqtt",
    }
