"""The names and addresses that commits carry."""

from __future__ import annotations

from failover_api.sandbox.git.objects import Person

GITHUB = ("GitHub", "noreply@github.com")
MARIA = ("Maria Person", "maria@example.com")
MARIA_LOGIN = "maria"

_BOT_ID = 4001
_HIDDEN = "@users.noreply.github.com"


def is_bot(login: str) -> bool:
    return login.endswith("[bot]")


def email(login: str) -> str:
    """The address of an account that shows none of its own."""
    return f"{_BOT_ID if is_bot(login) else 1}+{login}{_HIDDEN}"


def by(login: str, at: int) -> Person:
    """An account as an author."""
    return Person(*MARIA, at) if login == MARIA_LOGIN else Person(login, email(login), at)


def login_of(person: Person) -> str | None:
    """The account that an author's address belongs to."""
    if (person.name, person.email) == GITHUB:
        return "web-flow"
    if person.email == MARIA[1]:
        return MARIA_LOGIN
    return person.email.removesuffix(_HIDDEN).partition("+")[2] if person.email.endswith(_HIDDEN) else None
