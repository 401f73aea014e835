"""Which labels can name a node."""

import pytest

from failover_api.core.catalog.node_labels import may_name_a_node


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kubernetes.io/hostname", "k3s-w1"),
        ("kubernetes.io/hostname", "10"),
        ("role", "primary"),
        ("zone", "a"),
        ("topology.kubernetes.io/zone", "cellar"),
        ("example.org/storage", "big-disk"),
    ],
)
def test_a_name_can_be_a_side(key: str, value: str) -> None:
    assert may_name_a_node(key, value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("intel.feature.node.kubernetes.io/gpu", "true"),
        ("feature.node.kubernetes.io/cpu-model.vendor_id", "Intel"),
        ("nvidia.com/gpu.present", "true"),
        ("nvidia.com/gpu.product", "RTX-4000"),
        ("extensions.talos.dev/i915", "20250211"),
        ("coral-usb", "true"),
        ("gpu", "intel"),
        ("storage", "TRUE"),
        ("storage", "false"),
        ("storage", ""),
        ("disks", "4"),
        ("node-role.kubernetes.io/worker", "worker"),
        ("kubernetes.io/arch", "amd64"),
        ("node.kubernetes.io/instance-type", "k3s"),
        ("kubernetes.io/hostname", ""),
    ],
)
def test_a_device_and_a_property_are_no_side(key: str, value: str) -> None:
    assert not may_name_a_node(key, value)
