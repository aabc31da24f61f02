"""
The arguments of one Web API call, however they came: query, form, multipart or JSON.

JSON bodies need the token in a header, as in Slack. Everything else is refused with Slack's names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

from playground.payloads import ApiError, Json


class Arguments:
    """The arguments of a Web API call. Each getter checks its value, and refuses as Slack does."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self.given: Json = {name: value for name, value in given.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def text(self, name: str, default: str = "") -> str:
        """Return a string; numbers count as such, since forms have nothing else."""
        value = self.given.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ApiError("invalid_arguments", messages=[f"must be a string [json-pointer:/{name}]"])
        return str(value)

    def required(self, name: str) -> str:
        """Return a string that must be there."""
        value = self.text(name)
        if not value:
            raise ApiError("invalid_arguments", messages=[f"missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        """Return a truth value, as JSON or as forms spell it; false when it is absent."""
        return str(self.given.get(name, "")).lower() in ("1", "true")

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number within bounds."""
        try:
            value = int(self.text(name, str(default)))
        except ValueError:
            raise ApiError("invalid_arguments", messages=[f"must be a number [json-pointer:/{name}]"]) from None
        if not least <= value <= most:
            raise ApiError("invalid_arguments", messages=[f"must be between {least} and {most} [json-pointer:/{name}]"])
        return value

    def structure(self, name: str, error: str = "invalid_arguments") -> object:
        """Return a value that is JSON, which forms carry as text; None when it is absent, `error` when it does not parse."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise ApiError(error) from None


async def read_arguments(request: web.Request) -> Arguments:
    """Return every argument of a request; those of the body win over those of the query."""
    given: dict[str, object] = dict(request.query)
    if not request.can_read_body:
        return Arguments(given)
    if request.content_type == "application/json":
        if "Authorization" not in request.headers:
            raise ApiError("not_authed")
        try:
            body = await request.json()
        except ValueError:
            raise ApiError("invalid_json") from None
        if not isinstance(body, dict):
            raise ApiError("json_not_object")
        return Arguments(given | body)
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        form = await request.post()
        return Arguments(given | {name: value for name, value in form.items() if isinstance(value, str)})
    raise ApiError("invalid_post_type")
