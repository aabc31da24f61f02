"""
The type of JSON payloads, and the refusal that Slack's Web API answers with.

Payloads of Slack are open dictionaries; this alias is the one place where the playground says `Any` for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """
    A refusal by the Web API: `error` is Slack's own name for it, `messages` its reasons, `facts` what else the answer holds.

    `messages` appear as Slack shows them: `errors` bare and `response_metadata.messages` with a leading "[ERROR]".
    """

    def __init__(self, error: str, *, messages: Sequence[str] = (), **facts: object) -> None:
        super().__init__(error)
        self.error = error
        self.messages = tuple(messages)
        self.facts = facts

    def answer(self) -> Json:
        """Return the JSON body of this refusal."""
        body: Json = {"ok": False, "error": self.error, **self.facts}
        if self.messages:
            body["errors"] = list(self.messages)
            body["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return body
