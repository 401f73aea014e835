"""What stands at a path; and, where a path leads nowhere, what comes nearest."""

import pytest

from failover_api import errors
from failover_api.core.splice import Scalar, Selector, parse
from failover_api.core.splice.yaml_tree import Reader
from tests.core.splice.edits import VAULT, find


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("a: b\n", "a", Scalar("b", "b", 1)),
        ("# c\na:\n  - &n !!str 'b''s'\n", "a[0]", Scalar("b's", "'b''s'", 3)),
        ("a: &n b\nc: *n\n", "c", Scalar("b", "*n", 2)),
        ("a: &n 1\n---\na: &n 2\nb: *n\n", "a", Scalar(1, "1", 1)),
        ("a:\n\nb: 1\n", "a", Scalar(None, "", 1)),
        ("a: yes\n", "a", Scalar("yes", "yes", 1, ambiguous=True)),
        ("a: 010\n", "a", Scalar("010", "010", 1, ambiguous=True)),
        ("a: !!int '1'\n", "a", Scalar("1", "'1'", 1, ambiguous=True)),
        ("a: !!str 1\n", "a", Scalar("1", "1", 1)),
        ("a: -1.50\n", "a", Scalar(-1.5, "-1.50", 1)),
        ("a:\n  |+\n  b\n\nc: 1\n", "a", Scalar("b\n\n", "|+\n  b\n", 2)),
        ("a: one\n  two # c\n", "a", Scalar("one two", "one\n  two", 1)),
        ("a: ${b}\nsops: {}\n", "a", Scalar("${b}", "${b}", 1)),
    ],
)
def test_find_says_what_stands_there(text: str, path: str, expected: Scalar, reader: Reader) -> None:
    assert find(text, path, reader) == expected


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            VAULT,
            "spec.template.spec.affinity.x",
            "app.yaml:6: has no key 'affinity' under spec.template.spec (line 6); it has 'nodeSelector', 'volumes'",
        ),
        (VAULT, "status", "app.yaml:1: has no key 'status' at the top (line 1); it has 'kind', 'metadata', 'spec'"),
        (
            VAULT,
            "spec.replicas.x",
            "app.yaml:4: spec.replicas (line 4) is a scalar, expected a mapping with the key 'x'",
        ),
        (VAULT, "spec.template", "app.yaml:6: spec.template is a mapping, expected a scalar; it has 'spec'"),
        ("a:\n- b: 1\n", "a[b=2].c", "app.yaml:1: has no item with b '2' under a (line 1); b is '1'"),
        ("a:\n- b: 1\n", "a[3]", "app.yaml:1: has no item 3, only 1 under a (line 1)"),
        ("a: 1\nb: 2\na: 3\n", "b", "app.yaml:3: has the key 'a' again at the top (line 1)"),
    ],
)
def test_an_error_says_what_and_where(text: str, path: str, message: str) -> None:
    with pytest.raises(errors.ManifestError) as caught:
        find(text, path)
    assert caught.value.detail == message
    assert caught.value.path == path


VOLUMES = "spec.template.spec.volumes"
MANY = "".join(f"k{n}: {n}\n" for n in range(20)) + "claimName: x\n"


@pytest.mark.parametrize(
    ("text", "path", "there"),
    [
        (VAULT, "spec.template.spec.nodeselector.disk", "; it has 'nodeSelector', 'volumes'"),
        (VAULT, "spec.template.spec.volume", "; it has 'volumes', 'nodeSelector'"),
        (VAULT, f"{VOLUMES}[name=key].x", "; name is 'keys', 'logs'"),
        (VAULT, f"{VOLUMES}[claim=key].x", "; 0 of its 2 items have claim"),
        (VAULT, f"{VOLUMES}[7].x", "has no item 7, only 2 under spec.template.spec.volumes (line 9)"),
        (VAULT, f"{VOLUMES}.logs.x", "; name one of its items as in [name=...]: 'logs', 'keys'"),
        (VAULT, VOLUMES, "expected a scalar; name one of its items as in [name=...]: 'keys', 'logs'"),
        (VAULT, f"{VOLUMES}[name=logs].emptyDir.size", "(line 14); it is empty"),
        (VAULT, "spec[name=x]", "expected a list with the item [name=x]; it has 'replicas', 'template'"),
        ("a:\n- b\n- c\n", "a.b", "expected a mapping with the key 'b'; name one of its 2 items as in [0]"),
        ("a: []\n", "a[name=x]", "under a (line 1); it is empty"),
        ("a:\n", "a.b", "under a (line 1); it is null"),
        ("a:\n", "a[name=x]", "under a (line 1); it is empty"),
        ("- n: a\n- n: b\n- n: a\n", "[n=a]", "has 2 items with n 'a' at the top (line 1); they are on the lines 1, 3"),
        (MANY, "claim", "it has 'claimName', 'k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6' and 13 more"),
        (
            "- {value: s3cret}\n",
            "[value=x]",
            "has no item with value 'x' at the top (line 1); 1 of its 1 items have value",
        ),
        (f"{'x' * 900}: 1\n", "a", f"it has '{'x' * 63}…'"),
        ('"\\u202e": 1\n', "a", "it has '\\u202e'"),
        ("x: &x {b: 1}\ny: *x\n", "y", "expected a scalar; it has 'b'"),
    ],
)
def test_a_path_that_leads_nowhere_names_what_is_there(text: str, path: str, there: str) -> None:
    with pytest.raises(errors.ManifestError) as caught:
        find(text, path)
    assert caught.value.detail.endswith(there)
    assert len(caught.value.detail) < 400


def test_looking_for_names_among_many_long_ones_takes_no_longer_than_reading_them() -> None:
    text = "".join(f"{'ab' * 400}{n}: 1\n" for n in range(1000))
    with pytest.raises(errors.PathNotFound, match="and 992 more"):
        find(text, "ab" * 5000)


@pytest.mark.parametrize("file", ["charts/web/templates/deployment.yaml", "templates/web.yaml"])
def test_a_chart_s_template_that_reads_as_yaml_is_refused_by_name(file: str) -> None:
    text = 'a: b\nname: "{{ .Release.Name }}"\n'
    with pytest.raises(errors.TemplateInTarget) as caught:
        parse(text.encode(), file=file).find(Selector(), ("a",))
    assert caught.value.detail == (
        f"{file}:2: is a Helm chart's template ({{{{ ... .Release ... }}}}): Helm computes what Kubernetes gets; "
        "expected a manifest, such as the HelmRelease with the chart's values"
    )


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("apps/templates/alert.yaml", "a: b\nsummary: '{{ $labels.pod }} is down'\n"),
        ("apps/templates/secret.yaml", "a: b\npassword: '{{ .PASSWORD }}'\n"),
        ("apps/web/deployment.yaml", "a: b\nname: '{{ .Values.name }}'\n"),
        ("kube/templates/web/hr.yaml", "a: b\nkind: HelmRelease\nkey: 'x/{{ .Release.Name }}'\n"),
        ("apps/web-templates/x.yaml", "a: b\nname: '{{ .Values.name }}'\n"),
    ],
)
def test_braces_elsewhere_are_only_text(file: str, text: str) -> None:
    assert parse(text.encode(), file=file).find(Selector(), ("a",)).value == "b"
