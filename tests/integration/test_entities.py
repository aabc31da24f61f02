"""Entities' lines from a Knowledge Graph on loopback, and from none."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.knowledge_graph import EntityDirectory, entity_link
from tests.integration.bot_workspace import workspace

KEY = "secret-key"


@dataclass
class KnowledgeGraph:
    """What the server knows and how it was asked; `fault` is a status, or "garbage", "stall"."""

    entries: dict[str, str]
    asked: list[list[str]] = field(default_factory=list)
    fault: int | str = 0
    now: float = 0.0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        ids = request.query.getall("ids")
        assert (request.query["key"], request.query["limit"]) == (KEY, str(len(ids)))
        self.asked.append(ids)
        if isinstance(self.fault, int) and self.fault:
            return web.Response(status=self.fault, text="API key not valid")
        if self.fault:
            return web.Response(text=str(self.fault), content_type="application/json")
        items = [
            {"@type": "EntitySearchResult", "result": {"@id": f"kg:{entity}", "name": "x", "description": self.entries[entity]}}
            for entity in ids
            if entity in self.entries
        ]
        return web.json_response({"@type": "ItemList", "itemListElement": items})


@asynccontextmanager
async def graph_server(**entries: str) -> AsyncIterator[tuple[KnowledgeGraph, str]]:
    graph = KnowledgeGraph({f"/m/{name}": line for name, line in entries.items()})
    app = web.Application()
    app.router.add_get("/v1/entities:search", graph.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield graph, f"http://127.0.0.1:{runner.addresses[0][1]}/v1/entities:search"
    await runner.cleanup()


@asynccontextmanager
async def directory(key: str = KEY, **entries: str) -> AsyncIterator[tuple[EntityDirectory, KnowledgeGraph]]:
    async with graph_server(**entries) as (graph, url), aiohttp.ClientSession() as session:
        yield EntityDirectory(session, key=key, url=url, clock=lambda: graph.now), graph


async def test_many_entities_are_asked_for_at_once_and_remembered() -> None:
    async with directory(a="Animal", b="Vehicle") as (entities, graph):
        assert await entities.descriptions(["/m/a", "/m/b", "/m/a", "/j/c"]) == {"/m/a": "Animal", "/m/b": "Vehicle"}
        assert await entities.descriptions(["/m/a", "/j/c"]) == {"/m/a": "Animal"}
        assert graph.asked == [["/m/a", "/m/b", "/j/c"]]
        graph.now = 25 * 3600
        await entities.descriptions(["/m/a"])
    assert len(graph.asked) == 2


async def test_without_a_key_nothing_is_asked() -> None:
    async with directory(key="", a="Animal") as (entities, graph):
        assert await entities.descriptions(["/m/a"]) == {}
    assert graph.asked == []


@pytest.mark.parametrize("fault", [403, 429, 500, "{", "[]", '{"itemListElement": [1, {"result": {"@id": 1}}]}', "[" * 5000])
async def test_no_answer_is_no_error_and_tells_no_secret(fault: int | str, caplog: pytest.LogCaptureFixture) -> None:
    async with directory(a="Animal") as (entities, graph):
        graph.fault = fault
        with caplog.at_level(logging.DEBUG, logger="bot"):
            assert await entities.descriptions(["/m/a"]) == {}
    assert KEY not in caplog.text


async def test_after_a_failure_it_is_left_alone_for_a_minute() -> None:
    async with directory(a="Animal") as (entities, graph):
        graph.fault = 500
        for _ in range(3):
            await entities.descriptions(["/m/a"])
        assert len(graph.asked) == 1
        graph.fault, graph.now = 0, 61
        assert await entities.descriptions(["/m/a"]) == {"/m/a": "Animal"}


async def test_a_server_that_is_away_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with aiohttp.ClientSession() as session:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        entities = EntityDirectory(session, key=KEY, url=f"http://127.0.0.1:{port}/")
        assert await entities.descriptions(["/m/a"]) == {}
    assert KEY not in caplog.text


async def test_a_long_line_is_cut_and_put_on_one() -> None:
    async with directory(a="word \n" * 100) as (entities, _):
        (line,) = (await entities.descriptions(["/m/a"])).values()
    assert len(line) == 120
    assert "\n" not in line


@pytest.mark.parametrize(
    ("entity_id", "link"),
    [
        ("/m/0k4j", "https://www.google.com/search?kgmid=%2Fm%2F0k4j"),
        ("/j/5qg9b8", "https://www.google.com/search?kgmid=%2Fj%2F5qg9b8"),
        ("", ""),
        ("/m/../x", ""),
        ("https://evil.example", ""),
        ("/m/a&b=c", ""),
    ],
)
def test_an_id_is_a_link_and_anything_else_is_none(entity_id: str, link: str) -> None:
    assert entity_link(entity_id) == link


async def test_the_list_in_the_thread_says_what_a_label_is_and_links_what_it_says(tmp_path: Path) -> None:
    settings = {"knowledge_graph_key": SecretStr(KEY)}
    async with graph_server() as (graph, url), workspace(tmp_path, settings=settings, knowledge_graph=url) as there:
        graph.entries["/m/01g317"] = "Being that is *human*"
        message = await there.clip()
        await there.progress(message, starts="I found 3 objects")
        listed = json.dumps(there.replies(message)[2].blocks, ensure_ascii=False)
    page = "https://www.google.com/search?kgmid=%2Fm%2F01g317"
    assert f"`1` *person* 90% · 0:00.0–0:02.5 · <{page}|Being that is" in listed
    assert "*human*" not in listed
    assert "`2` *car* 90%" in listed
