"""What a catalog may say, key by key, and what is said of everything else."""

import pytest

from tests.support.catalog_text import LABELS, SMALLEST, parsed, refusal, refusals, service_text, switch_text


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("repositry: a/b\nservices: {}\n", "1: repositry: unknown key; did you mean 'repository'?"),
        (
            "services: {}\nextra: 1\n",
            (
                "2: extra: unknown key, expected one of "
                "alerts, automatic, branch, claims, defaults, fallback, flux_receiver, groups, nodes, notifications, "
                "policy, pull_request, repository, search, services, wave_timeout"
            ),
        ),
        (service_text(LABELS + "deploymnet: y\n"), "8: services.x.deploymnet: unknown key; did you mean 'deployment'?"),
        (
            service_text(LABELS + "pull_request: {label: [a]}\n"),
            "8: services.x.pull_request.label: unknown key; did you mean 'labels'?",
        ),
        (
            "pull_request: {zzz: 1}\nservices: {}\n",
            "1: pull_request.zzz: unknown key, expected one of auto_merge, draft, labels, reviewers, team_reviewers",
        ),
        (
            service_text(LABELS + "volumes:\n  - {name: a, primary_pvc: a, backup_pvc: b, claim: c}\n"),
            "9: services.x.volumes[0].claim: unknown key, expected one of backup_pvc, name, primary_pvc",
        ),
        (switch_text("file: a.yaml\n    knd: Pod"), "9: services.x.switches[0].knd: unknown key; did you mean 'kind'?"),
    ],
)
def test_an_unknown_key_is_refused_at_each_level(text: str, error: str) -> None:
    assert refusal(text) == f"services.yaml:{error}"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("repository: a/b\n", "1: services: is missing"),
        ("repository: a/b\nservices:\n", "2: services: expected a mapping, not null"),
        ("services: []\n", "1: services: expected a mapping, not a list"),
        ("services:\n  x:\n", "2: services.x: expected a mapping, not null"),
        ("services:\n  x: z\n", "2: services.x: expected a mapping, not 'z'"),
        ("services: {}\ngroups: [a]\n", "2: groups: expected a mapping, not a list"),
        ("services: {}\ngroups: {a: b}\n", "2: groups.a: expected a list, not 'b'"),
        ("services: {}\ngroups: {a: []}\n", "2: groups.a: expected at least one service"),
        (
            service_text("deployment: x\nprimary_node_label: a\nbackup_node_label: b\n"),
            "3: services.x.namespace: is missing; expected the namespace of the workload",
        ),
        (
            service_text(LABELS, top=""),
            "2: services.x.repository: is missing, here and at the top; expected owner/name",
        ),
        (
            service_text("namespace: m\ndeployment: x\n"),
            "3: services.x: has nothing to move: needs node labels, claims or `switches`",
        ),
        (service_text("switches: []\n"), "3: services.x: has nothing to move: needs node labels, claims or `switches`"),
        (
            service_text("namespace: m\ndeployment: x\nprimary_node_label: a\n"),
            "3: services.x.backup_node_label: is missing; `primary_node_label` needs it",
        ),
        (
            service_text(LABELS + "volume_name: a\nprimary_pvc: b\n"),
            "3: services.x.backup_pvc: is missing; `volume_name` needs it",
        ),
        (
            service_text(LABELS + "statefulset: x\n"),
            "8: services.x.statefulset: expected `deployment` or `statefulset`, not both",
        ),
        (
            service_text("volume_name: a\nswitches:\n  - {file: a.yaml, path: a, primary: a, backup: b}\n"),
            "4: services.x.volume_name: needs a `deployment`, a `statefulset` or a `helmrelease` beside it",
        ),
        (
            service_text(LABELS + "volume_name: a\nvolumes:\n  - {name: a, primary_pvc: a, backup_pvc: b}\n"),
            "9: services.x.volumes: expected `volumes`, or volume_name, primary_pvc and backup_pvc, not both",
        ),
        (
            service_text(LABELS + "volumes:\n" + "  - {name: a, primary_pvc: a, backup_pvc: b}\n" * 2),
            "10: services.x.volumes[1].name: 'a' is there twice",
        ),
        (service_text(LABELS + "volumes: a\n"), "8: services.x.volumes: expected a list, not 'a'"),
        (service_text(LABELS + "volumes: [a]\n"), "8: services.x.volumes[0]: expected a mapping, not 'a'"),
        (
            service_text("switches:\n  - a: 1\n").replace("a: 1", "just text"),
            "5: services.x.switches[0]: expected a mapping, not 'just text'",
        ),
        (
            service_text(LABELS.replace("label: b", "label: a")),
            "7: services.x.backup_node_label: is 'a' on both sides, expected two values that differ",
        ),
        (
            service_text(LABELS + "volumes:\n  - name: v\n    primary_pvc: p\n    backup_pvc: p\n"),
            "11: services.x.volumes[0].backup_pvc: is 'p' on both sides, expected two values that differ",
        ),
        (
            switch_text("file: a.yaml", primary="'1'", backup="1"),
            "7: services.x.switches[0].backup: is a number (1), expected text as primary has ('1'), or `allow: [type]`",
        ),
        (
            switch_text("file: a.yaml", primary="1", backup="true"),
            (
                "7: services.x.switches[0].backup: is a bool (true), expected a number as primary has (1), "
                "or `allow: [type]`"
            ),
        ),
        (
            switch_text("file: a.yaml", primary="yes"),
            (
                "6: services.x.switches[0].primary: readers of YAML differ on the type of yes; put it in quotes, "
                "or write true or false"
            ),
        ),
        (
            switch_text("file: a.yaml", primary=".nan"),
            "6: services.x.switches[0].primary: expected a finite number, not .nan",
        ),
        (
            switch_text("file: a.yaml", primary="[a]"),
            "6: services.x.switches[0].primary: expected text, a number, true, false or null, not a list",
        ),
        (
            switch_text("file: a.yaml\n    allow: [everything]"),
            (
                "9: services.x.switches[0].allow[0]: expected 'substitution', 'template', 'shared_anchor' or 'type', "
                "not 'everything'"
            ),
        ),
        (switch_text("kind: Pod"), "5: services.x.switches[0].file: is missing"),
        (
            switch_text("file: a.yaml").replace("path: spec.a", "path: spec."),
            "5: services.x.switches[0].path: path 'spec.': expected a key at character 6",
        ),
        (switch_text("file: a.yaml\n    kind:"), "9: services.x.switches[0].kind: expected text, not null"),
        (
            service_text(LABELS.replace("primary_node_label: a", "primary_node_label: 1")),
            "6: services.x.primary_node_label: expected text, not 1; put it in quotes if it is meant as text",
        ),
        (
            service_text(LABELS.replace("primary_node_label: a", "primary_node_label: true")),
            "6: services.x.primary_node_label: expected text, not true; put it in quotes if it is meant as text",
        ),
        (
            service_text(LABELS.replace("primary_node_label: a", "primary_node_label: no")),
            (
                "6: services.x.primary_node_label: expected text; readers of YAML differ on the type of no, "
                "so put it in quotes"
            ),
        ),
        (
            service_text(LABELS.replace("deployment: x", "deployment: {}")),
            "5: services.x.deployment: expected text, not a mapping",
        ),
        (
            service_text(LABELS.replace("deployment: x", "deployment: ' '")),
            "5: services.x.deployment: expected text, not an empty string",
        ),
        (
            service_text(LABELS.replace("deployment: x", f"deployment: {'x' * 513}")),
            "5: services.x.deployment: expected at most 512 characters, not 513",
        ),
        (
            service_text(LABELS + "policy: Direct\n"),
            "8: services.x.policy: expected 'direct' or 'pull_request', not 'Direct'",
        ),
        (
            service_text(LABELS + "fallback: direct\n"),
            "8: services.x.fallback: expected 'pull_request' or null, not 'direct'",
        ),
        (
            service_text(LABELS + "pull_request: {draft: yes}\n"),
            "8: services.x.pull_request.draft: expected true or false, not yes",
        ),
        (
            service_text(LABELS + "pull_request: {draft: 1}\n"),
            "8: services.x.pull_request.draft: expected true or false, not 1",
        ),
        (
            service_text(LABELS + "pull_request: {auto_merge: fast}\n"),
            "8: services.x.pull_request.auto_merge: expected 'squash', 'merge', 'rebase', true or false, not 'fast'",
        ),
        (
            service_text(LABELS + "pull_request: {labels: failover}\n"),
            "8: services.x.pull_request.labels: expected a list, not 'failover'",
        ),
        (service_text(LABELS + "pull_request:\n"), "8: services.x.pull_request: expected a mapping, not null"),
        (SMALLEST + "groups:\n  a: [sonarr, nope]\n", "12: groups.a[1]: no service is named 'nope'"),
        (SMALLEST + "groups:\n  a: [sonarr, sonarr]\n", "12: groups.a[1]: 'sonarr' is in the group twice"),
    ],
)
def test_an_error_names_file_line_key_and_what_was_expected(text: str, error: str) -> None:
    assert refusal(text) == f"services.yaml:{error}"


def test_all_errors_are_told_in_the_order_of_the_file() -> None:
    text = service_text(LABELS.replace("deployment: x", "deployment: 1") + "polcy: direct\n", top="branch: '..'\n")
    assert refusals(text) == [
        "services.yaml:1: branch: expected the name of a branch, as in 'main', not '..'",
        "services.yaml:5: services.x.deployment: expected text, not 1; put it in quotes if it is meant as text",
        "services.yaml:8: services.x.polcy: unknown key; did you mean 'policy'?",
    ]


@pytest.mark.parametrize(
    "name", ["Sonarr", "-a", "a-", "a_b", "a.b", "''", "ä", "a" * 64, "'a\\n'", '"a\\n"', "~", "a b"]
)
def test_bad_names_of_services_and_groups(name: str) -> None:
    text = SMALLEST.replace("  sonarr:", f"  ? {name}\n  :")
    assert "expected a name like 'sonarr'" in refusal(text)
    assert "expected a name like 'node-1'" in refusal(SMALLEST + f"groups:\n  ? {name}\n  : [sonarr]\n")


def test_a_service_may_not_begin_with_group_but_a_group_may() -> None:
    text = SMALLEST.replace("  sonarr:", "  group-a:")
    assert refusal(text) == "services.yaml:3: services.group-a: expected a name that does not begin with 'group-'"
    assert parsed(SMALLEST + "groups: {group-a: [sonarr]}\n").services["sonarr"].groups == ("group-a",)


@pytest.mark.parametrize("name", ["a", "9", "a" * 63, "a--b", "k3s-w1"])
def test_good_names(name: str) -> None:
    assert list(parsed(SMALLEST.replace("  sonarr:", f"  {name}:")).services) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "homelab",
        "a/b/c",
        "/b",
        "a/",
        "a/..",
        "a/.",
        "-a/b",
        "a b/c",
        "https://github.com/a/b",
        "a/b.git",
        "a/b?",
        "ä/b",
    ],
)
def test_bad_repositories(name: str) -> None:
    expected = f"services.yaml:1: repository: expected owner/name, as in 'acme/homelab', not '{name}'"
    assert refusal(service_text(LABELS, top=f"repository: {name}\n")) == expected


@pytest.mark.parametrize(
    "name",
    ["a b", "a..b", "/a", "a/", "-a", ".a", "a/.b", "a.", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{1}", "@",
     "a//b", "x.lock", "x.lock/y", "a\\u202e"],
)  # fmt: skip
def test_bad_branches(name: str) -> None:
    text = service_text(LABELS, top='repository: a/b\nbranch: "' + name.replace("a\\b", "a\\\\b") + '"\n')
    assert refusal(text).startswith("services.yaml:2: branch: expected the name of a branch, as in 'main', not ")


@pytest.mark.parametrize(
    "path",
    ["../a.yaml", "a/../b", "/etc/passwd", "./a", "a//b", "a/", "a\\\\b", "a\\nb", "a\\0b", "a\\u2028b", "a\\u202eb",
     ".github/workflows/x.yaml", ".GitHub/x", ".git/config", ".GIT/config", "a/.git/config", "a/./b", "..", "."],
)  # fmt: skip
def test_bad_paths(path: str) -> None:
    for text, key in [
        (service_text(LABELS + f'path: "{path}"\n'), "services.yaml:8: services.x.path"),
        (switch_text(f'file: "{path}"'), "services.yaml:8: services.x.switches[0].file"),
    ]:
        error = refusal(text)
        assert error.startswith(f"{key}: expected a ")
        assert error.isprintable()


@pytest.mark.parametrize("path", ["a.yaml", "apps/a b/c.yaml", "apps/.github/x.yaml", "ä/ö.yml", "a..b/c", ".hidden/x"])
def test_good_paths(path: str) -> None:
    assert parsed(service_text(LABELS + f"path: {path}\n")).services["x"].files == (path,)
