"""Git itself, asked what it makes of our text and our repositories."""

import shutil
import subprocess

import pytest

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(*arguments: object, stdin: str | None = None) -> str:
    """All that it says. Raises CalledProcessError where it fails."""
    words = ["git", *map(str, arguments)]
    done = subprocess.run(words, input=None if stdin is None else stdin.encode(), capture_output=True, check=True)
    return (done.stdout + done.stderr).decode()


def trailers_of(message: str) -> list[str]:
    """What Git takes for trailers."""
    return git("interpret-trailers", "--parse", stdin=message).splitlines()
