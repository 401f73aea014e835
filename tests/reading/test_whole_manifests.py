"""A whole manifest that lacks a key is told as it is: it is no patch of another."""

import pytest

from failover_api.errors import ManifestNotFound, SwitchNotFound
from tests.reading.found import place
from tests.support.stage import Stage, deployment

RELEASE = """\
# sonarr
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: web, namespace: shop}
spec:
CHART
  values:
    defaultPodOptions: {}
    persistence: {config: {existingClaim: pvc-web}}
"""
CHARTS = {
    "a chart": "  chart: {spec: {chart: app-template, sourceRef: {kind: HelmRepository, name: bjw-s}}}",
    "a reference": "  chartRef: {kind: OCIRepository, name: app-template}",
}
ENTRY = """\
  web:
    namespace: shop
    helmrelease: web
    primary_node_label: primary
    backup_node_label: backup
    volume_name: config
    primary_pvc: pvc-web
    backup_pvc: pvc-web-backup
"""
WHY = r"^apps/web\.yaml:8: has no key 'nodeSelector' under spec\.values\.defaultPodOptions \(line 8\)"


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
async def test_a_release_with_a_chart_is_no_patch(web: Stage, chart: str) -> None:
    web.declare(ENTRY)
    web.commit({"apps/web.yaml": RELEASE.replace("CHART", chart)})
    async with web.open() as components:
        with pytest.raises(SwitchNotFound, match=WHY):
            await place(components)


async def test_a_release_without_a_chart_is_a_patch(web: Stage) -> None:
    web.declare(ENTRY)
    web.commit({"apps/web.yaml": RELEASE.replace("CHART", "  interval: 1h")})
    async with web.open() as components:
        with pytest.raises(ManifestNotFound, match=r"apps/web\.yaml:2 is a patch of it: has no key 'nodeSelector'"):
            await place(components)


async def test_a_patch_beside_it_hides_nothing(web: Stage) -> None:
    patch = RELEASE.replace("CHART", "  interval: 1h")
    web.declare(ENTRY)
    web.commit({"apps/web.yaml": RELEASE.replace("CHART", CHARTS["a chart"]), "apps/dr/web.yaml": patch})
    async with web.open() as components:
        with pytest.raises(SwitchNotFound, match=WHY):
            await place(components)


async def test_two_whole_ones_are_both_named(web: Stage) -> None:
    text = deployment("web", "shop").replace("nodeSelector:", "unused:")
    web.commit({"apps/one.yaml": text, "apps/two.yaml": text})
    async with web.open() as components:
        with pytest.raises(ManifestNotFound) as caught:
            await place(components)
    assert "apps/one.yaml:2 has it, and has no key 'nodeSelector'" in caught.value.detail
    assert "apps/two.yaml:2 has it, and has no key 'nodeSelector'" in caught.value.detail
