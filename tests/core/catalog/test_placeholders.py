"""A catalog that still has what `failover suggest` could not know."""

from failover_api.core.catalog.load import parse_catalog
from failover_api.core.catalog.placeholders import placeholders


def entry(name: str, node: str) -> str:
    return (
        f"  {name}:\n    deployment: {name}\n    namespace: media\n    path: {name}.yaml\n"
        f"    primary_node_label: w1\n    backup_node_label: {node}\n"
    )


def told(text: str) -> list[str]:
    return list(placeholders(parse_catalog(text, file="services.yaml"), text))


def test_each_kind_is_told_once_with_its_count() -> None:
    names = [f"app-{number}" for number in range(7)]
    text = "repository: owner/name  # TODO: the repository's own\nservices:\n"
    text += "".join(entry(name, "the-other-node  # TODO: which") for name in names)
    shown = "app-0, app-1, app-2, app-3, app-4 and 2 more"
    assert told(text) == [
        f"7 services ({shown}) have `repository: owner/name`: write the repository's own",
        f"7 services ({shown}) have `the-other-node`: write the node that has the copy",
        "8 lines have a `# TODO`: correct each, then take the comment away (line 1, 8, 14, 20, 26 ...)",
    ]


def test_one_is_named() -> None:
    text = "repository: acme/homelab\nservices:\n" + entry("tea", "w2") + entry("web", "the-other-node")
    assert told(text) == ["web has `the-other-node`: write the node that has the copy"]


def test_a_catalog_that_is_whole_says_nothing() -> None:
    assert told("repository: acme/homelab\nservices:\n" + entry("tea", "w2")) == []
