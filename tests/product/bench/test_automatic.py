"""What automatic failover is measured with: catalogs that are good ones, of what is in the cluster."""

from bench.figures.automatic import MOVED, catalog, manifests, with_automatic
from bench.rig import repositories
from bench.rig.cluster_host import objects
from failover_api.core.catalog.automatic import Mode
from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.model import Side


def test_some_of_the_sample_homelab_moves_by_itself() -> None:
    text = with_automatic(repositories.SAMPLE_CATALOG.read_text(encoding="utf-8"))
    parsed = parse_catalog(text, file="services.yaml")
    assert parsed.automatic.mode is Mode.ACT
    assert {name for name, service in parsed.services.items() if service.automatic is Mode.ACT} == set(MOVED)


def test_every_service_of_the_cluster_takes_part_as_it_stands_in_git() -> None:
    parsed = parse_catalog(catalog(["service-0", "service-1"], "observe"), file="services.yaml")
    assert parsed.automatic.mode is Mode.OBSERVE
    claims = {one["metadata"]["name"] for one in objects("service-1") if one["kind"] == "PersistentVolumeClaim"}
    service = parsed.services["service-1"]
    assert {str(switch.value(side)) for switch in service.switches if switch.is_claim for side in Side} == claims
    assert {switch.file for switch in service.switches} <= set(manifests(["service-1"]))
