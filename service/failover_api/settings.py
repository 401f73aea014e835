"""The process: what the environment says. Read once, by whoever starts it; nothing is read at import."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from failover_api.errors import NotReady

GITHUB_API = "https://api.github.com"


def _url(value: str) -> str:
    if not value.startswith(("https://", "http://")) or any(char.isspace() for char in value):
        raise ValueError("expected a URL like https://api.github.com or https://HOST/api/v3")
    return value.rstrip("/")


class Settings(BaseSettings):
    """FAILOVER_* variables, one field each. A variable set to nothing counts as unset."""

    model_config = SettingsConfigDict(env_prefix="FAILOVER_", env_ignore_empty=True, extra="ignore", frozen=True)

    config: Path = Path("config/services.yaml")
    access: Path = Path("config/access.yaml")
    github_url: Annotated[str, AfterValidator(_url)] = GITHUB_API
    github_app_id: str | None = None
    github_installation_id: int | None = Field(default=None, gt=0)
    github_private_key_file: Path | None = None
    github_token: SecretStr | None = None
    github_token_file: Path | None = None
    deadline_s: float = Field(default=30.0, gt=0, le=3600)
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    server: Annotated[str, AfterValidator(_url)] | None = None
    token: SecretStr | None = None

    @classmethod
    def read(cls) -> Self:
        """The settings of this process. Raises NotReady naming each variable that is wrong."""
        try:
            return cls()
        except ValidationError as exc:
            raise NotReady("; ".join(_say(error["loc"], error["msg"]) for error in exc.errors())) from exc


def _say(location: tuple[int | str, ...], message: str) -> str:
    return f"FAILOVER_{str(location[0]).upper()}: {message.removeprefix('Value error, ')}"
