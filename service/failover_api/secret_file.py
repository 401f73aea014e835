"""Reads a secret from a file, as Kubernetes mounts it."""

from pathlib import Path

from failover_api.errors import NotReady


def read_secret(file: Path, what: str) -> str:
    """The text of a secret's file. `what` names it in errors. Raises NotReady, which never contains the text."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as exc:
        raise NotReady(f"{file}: cannot read {what} ({exc.strerror or 'it is not readable'})") from exc
    except UnicodeDecodeError:  # the exception holds the text, so it is not chained
        raise NotReady(f"{file}: cannot read {what} (not text)") from None
