"""
What a label is, where the Knowledge Graph is configured: one line about an entity, with a link to its page.

The line comes from Google's Knowledge Graph Search API, asked for many ids at once, with a short
timeout, and remembered, misses too; without a key, without an answer or without an entry there is no line, and no error.
Source: developers.google.com/knowledge-graph/reference/rest/v1
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlencode

import aiohttp

KNOWLEDGE_GRAPH = "https://kgsearch.googleapis.com/v1/entities:search"

_ENTITY_ID = re.compile(r"/[a-z]/[a-z0-9_]{1,40}")  # /m/0k4j, /g/11b6..., /j/5qg9b8
_IDS_PER_CALL = 100  # the answer's own limit is 500
_TIMEOUT_S = 3.0
_KEPT_S = 24 * 3600.0
_KEPT_AFTER_FAILURE_S = 60.0
_KEPT_ENTRIES = 5000
_ANSWER_LIMIT_BYTES = 2 * 1024 * 1024
_DESCRIPTION_LIMIT = 120

_log = logging.getLogger(__name__)


def entity_link(entity_id: str) -> str:
    """Return a page about an entity, by its id and without any key; "" for what is no id."""
    if not _ENTITY_ID.fullmatch(entity_id):
        return ""
    return f"https://www.google.com/search?{urlencode({'kgmid': entity_id})}"


class EntityDirectory:
    """One-line descriptions of entities, in English; `key` "" means none. `clock` gives seconds."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        key: str,
        url: str = KNOWLEDGE_GRAPH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._session = session
        self._key = key
        self._url = url
        self._clock = clock
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._paused_until = -float("inf")

    async def descriptions(self, entity_ids: Iterable[str]) -> Mapping[str, str]:
        """Return what is known of each id, such as "Breed of dog"; ids without an entry are left out. Never raises."""
        wanted = list(dict.fromkeys(entity for entity in entity_ids if _ENTITY_ID.fullmatch(entity)))
        now = self._clock()
        if self._key and now >= self._paused_until:
            missing = [entity for entity in wanted if self._known.get(entity, ("", -1.0))[1] < now]
            for first in range(0, len(missing), _IDS_PER_CALL):
                await self._ask(missing[first : first + _IDS_PER_CALL], now)
        found = {entity: self._known[entity][0] for entity in wanted if entity in self._known}
        return {entity: text for entity, text in found.items() if text}

    async def _ask(self, entity_ids: list[str], now: float) -> None:
        query = [("key", self._key), ("languages", "en"), ("limit", str(len(entity_ids)))]
        query += [("ids", entity) for entity in entity_ids]
        try:
            async with self._session.get(
                self._url, params=query, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), allow_redirects=False
            ) as answer:
                if answer.status != 200:
                    raise ValueError(f"status {answer.status}")
                text = b""
                async for piece in answer.content.iter_any():
                    text += piece
                    if len(text) > _ANSWER_LIMIT_BYTES:
                        raise ValueError("too large")
                found = _descriptions(text)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # The library's own text holds the address, and that the key.
            reason = str(error) if type(error) is ValueError else type(error).__name__
            _log.warning("the Knowledge Graph did not answer: %s", reason)
            self._paused_until = now + _KEPT_AFTER_FAILURE_S
            return
        for entity in entity_ids:
            self._known[entity] = (found.get(entity, ""), now + _KEPT_S)
            self._known.move_to_end(entity)
        while len(self._known) > _KEPT_ENTRIES:
            self._known.popitem(last=False)


def _descriptions(answer: bytes) -> dict[str, str]:
    """Return the line of each id in an answer; whatever is not as documented is left out. Raises `ValueError` for no JSON."""
    try:
        document = json.loads(answer)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    items = document.get("itemListElement") if isinstance(document, dict) else None
    results = [item.get("result") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    found: dict[str, str] = {}
    for result in results:
        if not isinstance(result, dict) or not isinstance(result.get("@id"), str):
            continue
        line = result.get("description")
        if isinstance(line, str) and (short := " ".join(line.split())[:_DESCRIPTION_LIMIT]):
            found[result["@id"].removeprefix("kg:")] = short
    return found
