"""Secrets in files, as Kubernetes mounts them."""

from pathlib import Path

from failover_api.errors import NotReady


def read_secret(file: Path, what: str) -> str:
    """The text of a secret's file. Raises NotReady, which never holds the text."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as exc:
        raise NotReady(f"{file}: cannot read {what} ({exc.strerror or type(exc).__name__})") from exc
    except UnicodeDecodeError:  # it holds the text
        raise NotReady(f"{file}: cannot read {what} (not text)") from None
