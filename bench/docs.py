"""
The parts of the documentation that the code knows best: `make docs`.

Writes docs/settings.md from `bot/settings.py` and the README's table of scopes from `bot/slack/scopes.py`.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo

from bot.settings import Settings
from bot.slack.scopes import scopes_table

ROOT = Path(__file__).resolve().parents[1]
SETTINGS_PAGE = ROOT / "docs/settings.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- scopes -->\n", "\n<!-- /scopes -->"

# The version in which a setting first appeared, where that is not the first one.
FIRST = "0.1"
SINCE: dict[str, str] = {}

HEAD = """\
# Settings

Made from `bot/settings.py` by `make docs`; edit it there. Settings are read from the environment. An empty variable counts as
unset. Where several words are possible, put commas or blanks between them. `tracklet doctor` says what is missing.

| Variable | Meaning | Default | Since |
| --- | --- | --- | --- |
"""


def settings_page() -> str:
    """Return docs/settings.md as it must be."""
    return HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def with_scopes(readme: str) -> str:
    """Return the README with the scopes between their marks as they must be."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + scopes_table() + END + after


def variable(name: str, field: FieldInfo) -> str:
    """Return the environment variable that sets a field."""
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return f"TRACKLET_{name.upper()}"


def _row(name: str, field: FieldInfo) -> str:
    meaning = " ".join((field.description or "").split()).replace("|", "\\|")
    return f"| `{variable(name, field)}` | {meaning} | {_default(field.default)} | {SINCE.get(name, FIRST)} |\n"


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value in (None, "", ()):
        return "unset"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def main() -> None:
    """Write both pages."""
    SETTINGS_PAGE.write_text(settings_page())
    README.write_text(with_scopes(README.read_text()))


if __name__ == "__main__":
    main()
