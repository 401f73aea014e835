"""Who may write history: a commit counts as a move only when its diff does what it says."""

import pytest

from failover_api.core.catalog.model import Action
from failover_api.core.planning.request import MoveRequest, idempotency_digest
from failover_api.errors import IdempotencyKeyReused, NothingToRollBack
from failover_api.reading.history import Entry
from failover_api.wiring import Components
from tests.support.acts import move, number
from tests.support.stage import FILES, PLEX, RADARR, SERVICES, SONARR, Stage, entry

INVENTED = "01JD0000000000000000000000"


def trailers(service: str = "sonarr", action: str = "promote", before: str = "primary", after: str = "backup") -> str:
    said = {"Service": service, "Action": action, "From": before, "To": after, "Operation": INVENTED}
    return "\n".join(f"Failover-{key}: {value}" for key, value in said.items())


def moved(stage: Stage, path: str = SONARR) -> bytes:
    """The file as a promote leaves it."""
    text = (stage.read(path) or b"").decode()
    name = "sonarr" if path == SONARR else "radarr"
    return text.replace("role: primary", "role: backup").replace(f"pvc-{name}", f"pvc-{name}-backup").encode()


async def entries(components: Components, name: str = "sonarr") -> list[Entry]:
    return list((await components.failover.history(name, limit=20)).entries)


def shown(found: list[Entry]) -> list[tuple[str, bool | None]]:
    return [(one.record.action if one.record else "edit", one.verified) for one in found]


async def last(components: Components, name: str = "sonarr") -> tuple[str | None, str | None]:
    """The operation of the last move, as status and list have it."""
    alone = (await components.failover.status(name)).last_move
    listed = {one.service.name: getattr(one, "last_move", None) for one in await components.failover.list_all()}[name]
    operations = [one.record.operation if one and one.record else None for one in (alone, listed)]
    return operations[0], operations[1]


# Forged


async def test_a_revert_that_quotes_ours_is_an_edit(stage: Stage) -> None:
    async with stage.open() as components, stage.open() as cold:
        first = await move(components)
        quoted = stage.moves[0]
        stage.commit({SONARR: FILES[SONARR]}, f'Revert "Fail over sonarr to backup"\n\nThis reverts it.\n\n{quoted}')
        for one in (components, cold):
            assert shown(await entries(one)) == [("edit", False), ("promote", True), ("edit", None)]
            assert await last(one) == (first.operation, first.operation)
        again = await move(cold, action=Action.ROLLBACK)
    assert (again.changed, stage.read(SONARR)) == (False, FILES[SONARR]), "the person has put it back already"


async def test_an_invented_move_does_not_turn_a_rollback_round(stage: Stage) -> None:
    """The squash merge of a contributor changes the image; its description ends with trailers."""
    async with stage.open() as components, stage.open() as cold:
        first = await move(components)
        stage.replace(
            SONARR, "sonarr:1.0", "sonarr:1.1", f"Update (#7)\n\n{trailers('sonarr', 'demote', 'backup', 'primary')}"
        )
        stage.commit({"README.md": "hello\n"}, f"Docs (#8)\n\n{trailers()}")
        for one in (components, cold):
            assert await last(one) == (first.operation, first.operation)
        outcome = await move(cold, action=Action.ROLLBACK)
    assert outcome.plan.reverts == first.operation
    assert stage.read(SONARR) == FILES[SONARR].replace(b"sonarr:1.0", b"sonarr:1.1")


async def test_with_nothing_but_invented_moves_there_is_nothing_to_roll_back(stage: Stage) -> None:
    stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1", f"Update\n\n{trailers()}")
    async with stage.open() as components:
        with pytest.raises(NothingToRollBack, match="no failover commit of sonarr"):
            await move(components, action=Action.ROLLBACK)
        assert await last(components) == (None, None)
        assert shown(await entries(components)) == [("edit", False), ("edit", None)]


async def test_a_move_with_the_trailers_of_another_service_is_not_hidden(stage: Stage) -> None:
    """However well it lists what it did."""
    async with stage.open() as components, stage.open() as cold:
        first = await move(components)
        listing = stage.moves[0].partition("\n\nFailover-")[0].partition("\n\n")[2]
        await move(components, action=Action.ROLLBACK)
        sha = stage.commit({SONARR: moved(stage)}, f"Update\n\n{listing}\n\n{trailers('radarr')}")
        for one in (components, cold):
            newest = (await entries(one))[0]
            assert (newest.logged.sha, newest.record, newest.verified) == (sha, None, None)
            assert await last(one, "radarr") == (None, None)
        assert (await last(cold))[0] not in (None, first.operation, INVENTED)


async def test_a_revert_of_a_rollback_between_drifted_states_is_an_edit(stage: Stage) -> None:
    async with stage.open() as components, stage.open() as cold:
        stage.replace(SONARR, '"pvc-sonarr"', '"pvc-sonarr-backup"')
        await move(components)
        stage.replace(SONARR, '"pvc-sonarr-backup"', '"odd"')
        back = await move(components, action=Action.ROLLBACK)
        assert "From: unknown\nFailover-To: unknown" in stage.moves[0]
        stage.replace(SONARR, "role: primary", "role: backup", f"Revert it\n\n{stage.moves[0]}")
        assert shown(await entries(cold))[:2] == [("edit", False), ("rollback", True)]
        assert await last(cold) == (back.operation, back.operation)


async def test_half_a_move_by_hand_is_an_edit(stage: Stage) -> None:
    stage.replace(SONARR, "role: primary", "role: backup", f"Half\n\n{trailers()}")
    async with stage.open() as components:
        assert shown(await entries(components)) == [("edit", False), ("edit", None)]


async def test_what_a_person_did_as_ours_does_is_ours(stage: Stage) -> None:
    stage.commit({SONARR: moved(stage)}, f"By hand\n\n{trailers()}")
    async with stage.open() as components:
        assert await last(components) == (INVENTED, INVENTED)
        outcome = await move(components, action=Action.ROLLBACK)
    assert (outcome.plan.reverts, stage.read(SONARR)) == (INVENTED, FILES[SONARR])


async def test_of_two_services_in_one_commit_only_one_may_be_true(stage: Stage) -> None:
    stage.commit({SONARR: moved(stage)}, f"Both\n\n{trailers()}\n{trailers('radarr')}")
    stage.replace(RADARR, "radarr:1.0", "radarr:1.1", f"Image\n\n{trailers('radarr')}")
    async with stage.open() as components:
        assert shown(await entries(components)) == [("promote", True), ("edit", None)]
        assert shown(await entries(components, "radarr")) == [("edit", False), ("edit", None)]
        assert await last(components, "radarr") == (None, None)


async def test_an_edit_that_says_it_moved_others_is_not_hidden(stage: Stage) -> None:
    stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1", f"Not radarr's\n\n{trailers('radarr')}")
    async with stage.open() as components:
        found = await entries(components)
    assert [one.subject for one in found] == ["Not radarr's", "Initial commit"]


async def test_moves_of_others_in_the_same_document_are_not_its_history(stage: Stage) -> None:
    one_switch = "{{file: vars.yaml, kind: ConfigMap, path: data.{0}, primary: w1, backup: w2}}"
    services = "".join(f"  {name}: {{switches: [{one_switch.format(name)}]}}\n" for name in ("one", "two"))
    stage.declare(services)
    stage.commit({"vars.yaml": "kind: ConfigMap\ndata:\n  one: w1\n  two: w1\n"}, "Both")
    async with stage.open() as components:
        await move(components, "one")
        await move(components, "two")
        assert shown(await entries(components, "two")) == [("promote", True), ("edit", None)]


async def test_the_same_operation_picked_again_is_two_entries(stage: Stage) -> None:
    async with stage.open() as components:
        first = await move(components)
        message = stage.moves[0]
        stage.commit({SONARR: FILES[SONARR]}, "Revert it")
        stage.commit({SONARR: moved(stage)}, message)
        found = await entries(components)
    assert shown(found) == [("promote", True), ("edit", None), ("promote", True), ("edit", None)]
    assert {one.record.operation for one in found if one.record} == {first.operation}


async def test_a_pull_request_of_a_contributor_proves_nothing(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    stage.commit({SONARR: FILES[SONARR].replace(b"sonarr:1.0", b"sonarr:1.1")}, "Update", "contributor")
    pull = stage.sandbox.open_pull("contributor", title="Update", body=trailers(), repository=stage.repository)
    stage.merge(pull, commit_title=f"Update (#{pull})", commit_message=f"As asked\n\n{trailers()}")
    async with stage.open() as components:
        assert shown(await entries(components)) == [("edit", False), ("edit", None)]
        assert await last(components) == (None, None)


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
async def test_our_own_pull_requests_are_proved_however_they_are_merged(stage: Stage, method: str) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        for name in ("sonarr", "plex"):
            outcome = await move(components, name)
            stage.merge(number(outcome), method)
            first = (await entries(components, name))[0]
            assert (first.verified, first.record and first.record.operation) == (True, outcome.operation)


async def test_a_merge_with_a_persons_push_is_ours_only_if_it_still_does_what_it_says(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    async with stage.open() as components:
        outcome = await move(components)
        stage.commit({SONARR: FILES[SONARR] + b"# nothing moved\n"}, "Not yet", "failover/sonarr")
        stage.merge(number(outcome), "squash")
        assert shown(await entries(components)) == [("edit", False), ("edit", None)]
        assert await last(components) == (None, None)


# A key


async def test_an_invented_key_is_no_first_outcome(stage: Stage) -> None:
    digest = idempotency_digest("maria", "alert-1")
    stage.replace(SONARR, "sonarr:1.0", "sonarr:1.1", f"Update\n\n{trailers()}\nFailover-Idempotency: {digest}")
    async with stage.open() as components:
        outcome = await move(components, key="alert-1")
        again = await move(components, key="alert-1")
    assert outcome.changed
    assert outcome.operation != INVENTED
    assert again.operation == outcome.operation
    assert b"role: backup" in (stage.read(SONARR) or b"")


async def test_a_revert_that_quotes_a_key_leaves_the_first_outcome(stage: Stage) -> None:
    async with stage.open() as components, stage.open() as cold:
        first = await move(components, key="alert-1")
        stage.commit({SONARR: FILES[SONARR]}, f"Revert\n\n{stage.moves[0]}")
        again = await move(cold, key="alert-1")
    assert (again.operation, again.commit) == (first.operation, first.commit)
    assert len(stage.moves) == 2, "the revert has the trailers too, and nothing came after it"


async def test_a_key_whose_commit_cannot_be_proved_is_no_outcome_and_no_move(stage: Stage) -> None:
    async with stage.open() as components:
        first = await move(components, key="alert-1")
    rename_sides(stage)
    async with stage.open() as components:
        with pytest.raises(IdempotencyKeyReused, match="cannot be proved") as caught:
            await move(components, key="alert-1")
    assert first.commit is not None
    assert first.commit.sha[:12] in caught.value.detail
    assert len(stage.moves) == 1


async def test_an_invented_key_of_a_pull_request_is_no_first_outcome(stage: Stage) -> None:
    stage.declare(SERVICES, top="policy: pull_request")
    digest = idempotency_digest("maria", "alert-1")
    text = f"{trailers()}\nFailover-Idempotency: {digest}"
    for branch in ("contributor", "failover/sonarr"):
        stage.commit({"README.md": branch}, f"Docs\n\n{text}", branch)
        pull = stage.sandbox.open_pull(branch, title="Docs", body=text, repository=stage.repository)
        stage.merge(pull, commit_message=text)
        stage.sandbox.set_branch(branch, None, repository=stage.repository)
    async with stage.open() as components:
        outcome = await move(components, key="alert-1")
    assert outcome.operation != INVENTED
    assert outcome.is_pending


# The catalog has changed since


def rename_sides(stage: Stage) -> None:
    text = (
        entry("sonarr").replace("node_label: primary", "node_label: w1").replace("node_label: backup", "node_label: w2")
    )
    stage.declare(text + entry("radarr") + PLEX)


def name_another_claim(stage: Stage) -> None:
    stage.declare(entry("sonarr").replace("pvc-sonarr-backup", "pvc-sonarr-copy") + entry("radarr") + PLEX)


def name_a_switch_more(stage: Stage) -> None:
    more = f"switches: [{{path: spec.replicas, primary: 1, backup: 2, kind: Deployment, file: {SONARR}}}]"
    stage.declare(entry("sonarr", "media", more) + entry("radarr") + PLEX)


@pytest.mark.parametrize("change", [rename_sides, name_another_claim])
async def test_what_another_catalog_cannot_prove_is_told_so_and_not_rolled_back(stage: Stage, change: object) -> None:
    async with stage.open() as components:
        first = await move(components)
    assert callable(change)
    change(stage)
    async with stage.open() as components:
        found = await entries(components)
        assert shown(found) == [("promote", None), ("edit", None)]
        assert found[0].why
        assert await last(components) == (first.operation, first.operation)
        before = stage.read(SONARR)
        assert first.commit is not None
        for dry_run in (True, False):
            with pytest.raises(NothingToRollBack, match=f"{first.commit.sha[:12]}.* cannot be proved"):
                await move(components, action=Action.ROLLBACK, dry_run=dry_run)
    assert stage.read(SONARR) == before


@pytest.mark.parametrize("policy", ["direct", "pull_request"])
async def test_a_switch_that_the_catalog_names_since_stays_as_it_is(stage: Stage, policy: str) -> None:
    """It stood in the file already, and the commit says all that it moved."""
    stage.declare(SERVICES, top=f"policy: {policy}")
    async with stage.open() as components:
        first = await move(components)
        if first.pull_request:
            stage.merge(number(first), commit_title="Merged (#1)", commit_message="As asked")
    name_a_switch_more(stage)
    async with stage.open() as components:
        assert shown(await entries(components)) == [("promote", True), ("edit", None)]
        assert await last(components) == (first.operation, first.operation)
        outcome = await move(components, action=Action.ROLLBACK)
        assert shown(await entries(components))[0] == ("rollback", True)
    assert (outcome.plan.reverts, stage.read(SONARR)) == (first.operation, FILES[SONARR])


async def test_a_catalog_that_is_reloaded_judges_anew(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
        for change, verified in [(name_another_claim, None), (lambda stage: stage.declare(SERVICES), True)]:
            await last(components)
            change(stage)
            components.catalog.reload()
            alone = (await components.failover.status("sonarr")).last_move
            assert alone is not None
            assert alone.verified is verified


async def test_a_newer_move_is_proved_though_an_older_cannot_be(stage: Stage) -> None:
    async with stage.open() as components:
        await move(components)
        name_another_claim(stage)
    async with stage.open() as components:
        forced = await move(components, action=Action.DEMOTE, force=True)
        assert shown(await entries(components))[:2] == [("demote", True), ("promote", None)]
        assert (await move(components, action=Action.ROLLBACK)).plan.reverts == forced.operation


# What it costs


async def test_a_page_is_proved_in_one_request_and_once(stage: Stage) -> None:
    async with stage.open() as components:
        for action in [Action.PROMOTE, Action.DEMOTE] * 4:
            await move(components, "plex", action)
    async with stage.open() as cold:
        await cold.failover.history("plex", limit=20)
        asked = [r for r in stage.requests if b"FilesAtCommits" in r.body]
        assert len(asked) == 1
        stage.requests.clear()
        await cold.failover.history("plex", limit=20)
        assert [(r.method, r.status) for r in stage.requests] == [("GET", 304)]


async def test_a_list_is_proved_in_one_request(stage: Stage) -> None:
    stage.declare(SERVICES, top="groups: {all: [sonarr, radarr, plex]}")
    async with stage.open() as components:
        await components.failover.move_group("all", Action.PROMOTE, MoveRequest(by="maria"))
    async with stage.open() as cold:
        listed = await cold.failover.list_all()
        moves = [getattr(one, "last_move", None) for one in listed]
        assert [one and one.verified for one in moves] == [True] * 3
        assert len([r for r in stage.requests if b"FilesAtCommits" in r.body]) == 1


async def test_our_own_move_is_proved_without_a_request(stage: Stage) -> None:
    async with stage.open() as components:
        await components.failover.list_all()
        await move(components)
        stage.requests.clear()
        await components.failover.status("sonarr")
        await components.failover.list_all()
        read = [r for r in stage.requests if b"FilesAtCommits" in r.body or b"Presence" in r.body]
    assert read == []


async def test_while_github_does_not_show_the_files_of_then_nothing_is_called_an_edit(stage: Stage) -> None:
    async with stage.open() as components:
        first = await move(components)
    stage.fault("status", operation="repository", status=502, times=None)
    async with stage.open() as components:
        page = await entries(components)
        assert page[0].record is not None
        assert page[0].record.operation == first.operation
        stage.sandbox.faults.clear()
        assert shown(await entries(components))[0] == ("promote", True), "and it is asked for again"
