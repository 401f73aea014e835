"""Which label of a node selector can name a node, or a side: not one that says what any node of its kind has.

https://kubernetes.io/docs/reference/labels-annotations-taints/
"""

import re

HOSTNAME = "kubernetes.io/hostname"
_OF_A_KIND = re.compile(
    r"^(beta\.)?kubernetes\.io/(arch|os)$|^(beta\.kubernetes|node\.kubernetes)\.io/|^node-role\.kubernetes\.io/"
    r"|(^|\.)feature\.node\.kubernetes\.io/|^extensions\.talos\.dev/|^(gpu\.)?(nvidia|amd|intel|qualcomm|habana)\.\w+/"
)
_OF_A_DEVICE = re.compile(
    r"(^|[-._/])(i?gpu|[tnv]pu|cpu|coral|cuda|quicksync|usb|accelerator|avx\d?)s?($|[-._/])", re.IGNORECASE
)
_NO_NAMES = frozenset({"", "true", "false", "yes", "no", "on", "off", "null", "~"})
_NAME = re.compile(r"[A-Za-z]")


def may_name_a_node(key: str, value: str) -> bool:
    """Whether a pod is moved by another value: the host's name, or a label whose value is a name."""
    if key == HOSTNAME:
        return bool(value)
    is_name = value.lower() not in _NO_NAMES and _NAME.search(value) is not None
    return is_name and not _OF_A_KIND.search(key) and not _OF_A_DEVICE.search(key)
