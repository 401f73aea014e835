"""Keys through `<<`: where kustomize and `kubectl apply` take different values there is no value.

What each of the two takes was seen with `kubectl kustomize` and `kubectl annotate --local`.
"""

import pytest

from failover_api import errors
from failover_api.core.splice import Edit, parse
from failover_api.core.splice.paths import parse_path
from tests.support.builders import FIRST

BASES = "x: &x {role: other, more: 1}\ny: &y {role: third}\n"


def change(text: str, path: str, value: str = "new") -> str:
    return (
        parse((BASES + text).encode(), file="app.yaml")
        .apply([Edit(FIRST, parse_path(path), value=value)])
        .data.decode()
    )


@pytest.mark.parametrize(
    "text",
    [
        "a: {role: primary, <<: *x}\n",
        "a:\n  role: primary\n  <<: *x\n",
        "a: {role: primary, <<: [*x, *y]}\n",
        "a: {role: primary, <<: [{b: 1}, *y]}\n",
        "a: {role: primary, <<: {role: inline}}\n",
        "a: {role: other, <<: *x}\n",  # the same now, and no longer after an edit
        "a: {role: , <<: *x}\n",
        "a: {role: primary, !!merge <<: *x}\n",
        "a: {role: primary, ! <<: *x}\n",
        "a: {role: primary, &n <<: *x}\n",
        "a: {role: primary, ? << : *x}\n",
        "z: &z {b: 1, <<: *x}\na: {role: primary, <<: *z}\n",
        "role: primary\n<<: *x\na: {role: b}\n",
    ],
)
def test_a_value_that_a_merge_behind_it_replaces_has_no_side(text: str) -> None:
    path = "role" if text.startswith("role") else "a.role"
    for act in (
        lambda: change(text, path),
        lambda: parse((BASES + text).encode(), file="app.yaml").find(FIRST, parse_path(path)),
    ):
        with pytest.raises(errors.KeyFromMerge) as caught:
            act()
        assert "`kubectl apply` takes the second, kustomize the first" in caught.value.detail


def test_the_refusal_names_both_values_and_lines() -> None:
    with pytest.raises(errors.KeyFromMerge) as caught:
        change("a:\n  role: primary\n  <<: *x\n", "a.role")
    assert caught.value.detail == (
        "app.yaml:5: has the key 'role' ('primary', line 4) and again through the '<<' behind it ('other', line 1): "
        "`kubectl apply` takes the second, kustomize the first; put '<<' first under a (line 3)"
    )


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a: {<<: *x, role: primary}\n", "a.role"),
        ("a: {<<: [*x, *y], role: primary}\n", "a.role"),
        ("a: {role: primary, <<: {b: 1}}\n", "a.role"),
        ("a: {role: primary, <<: []}\n", "a.role"),
        ("a: {role: primary, '<<': *x}\n", "a.role"),
        ('a: {role: primary, "<<": {role: b}}\n', "a.role"),
        ("a: {role: primary, !!str <<: *x}\n", "a.role"),
        ("z: &z <<\na: {role: primary, *z : *x}\n", "a.role"),
        ("a: {b: {role: primary}, <<: *x}\n", "a.b.role"),
        ("b: {role: primary}\na: {role: b, <<: *x}\n", "b.role"),
    ],
)
def test_a_value_that_every_reader_takes_changes(text: str, path: str) -> None:
    assert change(text, path) == BASES + text.replace("primary", "new")


@pytest.mark.parametrize(
    ("text", "path", "category"),
    [
        ("a: {<<: *x}\n", "a.role", errors.KeyFromMerge),
        ("a: {!!merge <<: *x}\n", "a.role", errors.KeyFromMerge),
        ("a: {'<<': *x}\n", "a.role", errors.PathNotFound),
        ("a: {<<: *x, <<: *y, role: primary}\n", "a.role", errors.DuplicateKey),
        ("a: {b: {c: 1}, <<: {b: {c: 2}}}\n", "a.b.c", errors.KeyFromMerge),
    ],
)
def test_a_merged_key_is_told_from_a_missing_one(text: str, path: str, category: type[errors.ManifestError]) -> None:
    with pytest.raises(errors.ManifestError) as caught:
        change(text, path)
    assert type(caught.value) is category


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("l: [{<<: *x, v: primary}, {role: b, v: 1}]\n", None),
        ("l: [{<<: [*x, *y], v: primary}]\n", None),
        ("l: [{<<: *y, role: other, v: primary}]\n", None),
        ("l: [{role: other, <<: {c: 1}, v: primary}]\n", None),
        ("l: [{role: other, v: primary, <<: *x}]\n", None),  # the same to both
        ("l: [{role: b, <<: *y, v: 1}, {role: other, v: primary}]\n", None),  # it is no `other` to either
        ("l: [{role: other, <<: *y, v: 1}]\n", errors.KeyFromMerge),
        ("l: [{role: third, <<: *x, v: 1}]\n", errors.KeyFromMerge),
        ("z: &z {role: third, <<: *x}\nl: [{<<: *z, v: 1}]\n", errors.KeyFromMerge),
        ("l: [{role: other, role: b, v: 1}]\n", errors.KeyFromMerge),
        ("l: [{role: third, <<: *x, v: 1}, {role: other, v: 2}]\n", errors.KeyFromMerge),
    ],
)
def test_an_item_is_found_by_what_every_reader_takes(text: str, category: type[errors.ManifestError] | None) -> None:
    if category is None:
        assert change(text, "l[role=other].v") == BASES + text.replace("primary", "new")
    else:
        with pytest.raises(category, match="as readers differ"):
            change(text, "l[role=other].v")


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("kind: A\nmetadata: {<<: {name: n}, namespace: s}\n", ("A", "n", "s")),
        ("<<: {kind: A}\nmetadata: {name: n}\n", ("A", "n", None)),
        ("kind: A\nmetadata: {name: n, <<: {labels: {}}}\n", ("A", "n", None)),
        ("kind: A\nmetadata: {name: n, <<: {name: n}}\n", ("A", "n", None)),
        ("kind: A\nmetadata: {name: n, <<: {name: m}}\n", (None, None, None)),
        ("kind: A\nmetadata: {name: n, namespace: s, <<: {namespace: t}}\n", (None, None, None)),
        ("kind: A\n<<: {kind: B}\nmetadata: {name: n}\n", (None, None, None)),
        ("kind: A\nmetadata: {name: n}\n<<: {metadata: {name: m}}\n", ("A", None, None)),
        ("kind: A\nmetadata: {name: n, name: m}\n", (None, None, None)),
    ],
)
def test_a_document_is_named_as_every_reader_names_it(text: str, known: tuple[str | None, ...]) -> None:
    (document,) = parse(text.encode(), file="app.yaml").documents
    assert (document.kind, document.name, document.namespace) == known


def test_a_chain_of_merges_is_followed_without_recursion() -> None:
    links = "".join(f"k{at}: &k{at} {{<<: *k{at - 1}}}\n" for at in range(1, 900))
    manifest = parse(f"k0: &k0 {{role: r}}\n{links}a: {{role: b, <<: *k899}}\n".encode(), file="app.yaml")
    with pytest.raises(errors.KeyFromMerge):
        manifest.find(FIRST, parse_path("a.role"))


def test_of_several_merges_the_first_wins() -> None:
    text = b"a: &a {name: first}\nb: &b {name: second}\nkind: X\nmetadata:\n  <<: [*a, *b]\n"
    assert parse(text, file="x.yaml").documents[0].name == "first"
