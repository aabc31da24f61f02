"""
Every knob, its default, and why the default is what it is.

Read from the environment: Slack's usual names, everything of ours with the prefix `TRACKLET_`. Secrets are
`SecretStr`, so that no log, message or exception shows them. An empty variable counts as unset.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tracking.engines.base import EngineName
from tracking.errors import OptionError
from tracking.storage.names import is_bucket_name
from tracking.video.file import Limits

PREFIX = "TRACKLET_"
SLACK_API_URL = "https://slack.com/api/"

Words = Annotated[tuple[str, ...], NoDecode]


def _slack(name: str) -> AliasChoices:
    """Slack's own name for a variable; the field's name serves the tests and `demo`."""
    return AliasChoices(name, name.lower())


class Settings(BaseSettings):
    """All settings, checked when they are read."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, use_attribute_docstrings=True
    )

    slack_bot_token: SecretStr = Field(SecretStr(""), validation_alias=_slack("SLACK_BOT_TOKEN"))
    """The bot's token (xoxb-...)."""
    slack_signing_secret: SecretStr = Field(SecretStr(""), validation_alias=_slack("SLACK_SIGNING_SECRET"))
    """Proves that a request comes from Slack; not needed with Socket Mode."""
    slack_app_token: SecretStr = Field(SecretStr(""), validation_alias=_slack("SLACK_APP_TOKEN"))
    """An app-level token (xapp-...): when it is set, Socket Mode is used, which needs no public address."""
    slack_api_url: str = SLACK_API_URL
    """Another address for the Web API: the playground, or a proxy."""

    http_host: str = "127.0.0.1"
    """The address to listen on. Loopback, so that nobody publishes the bot by accident."""
    http_port: int = Field(3000, ge=0, le=65535)
    """The port to listen on. Slack's tutorials use 3000; 0 takes a free port."""
    public_url: str = ""
    """The address under which others reach the bot; set, it closes the unauthenticated triggers."""

    data_dir: Path = Path("data")
    """The database, and the folders that stand for unset buckets."""
    database_url: SecretStr = SecretStr("")
    """SQLite in the data folder when unset; a Postgres address may hold a password."""

    engine: EngineName = EngineName.AUTO
    """auto, yolox, motion or google: what follows the objects. auto takes what is configured and can be had, and says which."""
    model: str = "tiny"
    """The detector's model: a published one by its name (nano, tiny, s) or an ONNX file. tiny finds far more than nano."""
    font: Path | None = None
    """A font file for captions; Noto Sans comes with the program."""

    video_bucket: str = ""
    """The bucket whose new videos are tracked; a folder in the data folder when unset."""
    annotation_bucket: str = ""
    """Where annotation files are written; a folder in the data folder when unset."""
    object_bucket: str = ""
    """Where pictures are written; a folder in the data folder when unset."""
    allowed_buckets: Words = ()
    """Buckets that may be read with our own credentials; our own ones when unset."""
    location: str = ""
    """The region of the Video Intelligence API; the service chooses when unset."""
    google_model: str = ""
    """The model of the Video Intelligence API, such as builtin/latest; the service chooses when unset."""
    video_intelligence_endpoint: str = ""
    """Another address for the API; `http://host:port` is plaintext."""
    knowledge_graph_key: SecretStr = SecretStr("")
    """A key for Google's Knowledge Graph, which describes what a label means; not asked when unset."""
    trigger_token: SecretStr = SecretStr("")
    """A bearer token that the HTTP triggers accept."""
    oidc_audience: str = ""
    """The audience in the tokens of Google's push; the triggers accept such tokens when this is set."""
    oidc_service_account: str = ""
    """The service account whose tokens the triggers accept."""

    allowed_hosts: Words = ()
    """Hosts or networks that links may reach although their addresses are private."""
    max_video_bytes: int = Field(1 << 30, gt=0)
    """The largest video, in bytes: Slack's own limit for one file."""
    max_video_seconds: float = Field(3600.0, gt=0)
    """The longest video, in seconds. An hour: what two cores track in one."""

    jobs_at_once_per_person: int = Field(16, ge=1)
    """Videos of one person that one process works on at a time; the others wait for their turn."""
    jobs_per_person: int = Field(200, ge=1)
    """Videos of one person that may be at work or wait, in all; of one more the thread says so."""
    jobs_per_workspace: int = Field(2000, ge=1)
    """Videos of everybody that may be at work or wait, in all."""

    cache_kept_days: int = Field(7, ge=1, le=36_500)
    """Days for which fetched videos and drawn pictures stay in the data folder after their last use; a thread lives a week."""
    cache_bytes: int = Field(20 << 30, gt=0)
    """What fetched videos and drawn pictures may take in the data folder: the oldest go first. Twenty of the largest videos."""
    results_kept_days: int = Field(0, ge=0, le=36_500)
    """Days for which annotation files and pictures stay in the data folder after their last use; 0 keeps them for good."""
    children: int = Field(0, ge=0)
    """Child processes that may burn CPU at once; 0 takes one per core."""

    @field_validator("allowed_buckets", "allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Words between commas or blanks, as a person writes them into a variable."""
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if "/" in entry:
                ipaddress.ip_network(entry, strict=False)  # a ValueError here names the entry
        return tuple(entry.lower() for entry in value)

    @field_validator("slack_api_url")
    @classmethod
    def _slash(cls, value: str) -> str:
        return value if value.endswith("/") else value + "/"

    @property
    def limits(self) -> Limits:
        """What a video may cost."""
        return Limits(max_bytes=self.max_video_bytes, max_seconds=self.max_video_seconds)

    @property
    def google_is_configured(self) -> bool:
        """Whether both settings name buckets; a folder among them keeps videos on this machine."""
        settings = (self.video_bucket, self.annotation_bucket)
        return all(is_bucket_name(setting.removeprefix("gs://").rstrip("/")) for setting in settings)

    @property
    def uses_socket_mode(self) -> bool:
        return bool(self.slack_app_token.get_secret_value())

    @property
    def database(self) -> str:
        """SQLAlchemy's URL of the database. It may hold a password: never log it."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir.resolve() / 'tracklet.sqlite'}"

    @property
    def uses_sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    @property
    def child_slots(self) -> int:
        """How many child processes may work at once."""
        if self.children:
            return self.children
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def misspelt(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable with our prefix that is no setting, with the nearest name that is one, "" where none is near."""
    ours = (name for name in Settings.model_fields if not name.startswith("slack_") or name == "slack_api_url")
    names = [name.upper() for name in ours]
    for variable in sorted(environment):
        name = variable.upper().removeprefix(PREFIX)
        if variable.upper().startswith(PREFIX) and name not in names:
            yield variable, next((PREFIX + near for near in get_close_matches(name, names, n=1)), "")


def read_settings() -> Settings:
    """Return the settings of this environment. Raises `OptionError`, which names the variable and never a secret's value."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        field = Settings.model_fields.get(name)
        is_secret = name.upper().startswith("SLACK_") or (field is not None and "Secret" in str(field.annotation))
        variable = name.upper() if name.upper().startswith("SLACK_") and name != "slack_api_url" else f"TRACKLET_{name.upper()}"
        value = "what it is" if is_secret else str(first["input"])
        raise OptionError(option=variable, value=value, allowed=_wanted(dict(first))) from None


def _wanted(fault: Mapping[str, Any]) -> str:
    """Return what a setting must be, in plain words for the library's own."""
    bounds = fault.get("ctx", {})
    match fault["type"]:
        case "int_parsing" | "int_from_float":
            return "it must be a whole number"
        case "float_parsing" | "finite_number":
            return "it must be a number"
        case "greater_than":
            return f"it must be more than {bounds['gt']:g}"
        case "greater_than_equal":
            return f"it must be {bounds['ge']:g} or more"
        case "less_than_equal":
            return f"it must be {bounds['le']:g} or less"
        case "enum":
            return f"it must be {str(bounds['expected']).replace(chr(39), '')}"
        case "value_error":
            return str(bounds["error"])
        case _:
            return str(fault["msg"])
