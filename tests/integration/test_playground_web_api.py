"""The playground's Web API, asked by Slack's own client: it refuses what Slack refuses, with Slack's names for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from playground import BOT_SCOPES, BOT_USER, DIRECT, GENERAL, KIM, QUIET, WILDLIFE, YOU, Playground, RateLimits
from playground.faults import RateLimiter

Block = dict[str, Any]


@pytest.fixture
async def slack() -> AsyncIterator[Playground]:
    async with Playground(scopes=BOT_SCOPES | {"im:write", "reactions:write"}) as playground:
        yield playground


@pytest.fixture
def client(slack: Playground) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


async def refusal(call: Awaitable[AsyncSlackResponse]) -> dict[str, Any]:
    with pytest.raises(SlackApiError) as refused:
        await call
    answer = refused.value.response.data
    assert isinstance(answer, dict)
    return answer


def section(text: str = "text", **more: object) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(text: str = "Cancel", **more: object) -> Block:
    return {"type": "button", "action_id": "cancel", "text": {"type": "plain_text", "text": text}, **more}


def actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def option(value: str = "a", text: str = "A") -> Block:
    return {"value": value, "text": {"type": "plain_text", "text": text}}


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def header(text: str, kind: str = "plain_text") -> Block:
    return {"type": "header", "text": {"type": kind, "text": text}}


def menu(kind: str, *options: Block, **more: object) -> Block:
    return {"type": kind, "action_id": "menu", "options": list(options), **more}


def confirm(**changed: object) -> Block:
    return {"title": plain("Sure?"), "text": plain("It stops."), "confirm": plain("Yes"), "deny": plain("No"), **changed}


class TestTokensAndScopes:
    async def test_the_bot_token_says_who_the_bot_is_and_what_it_may(self, slack: Playground, client: AsyncWebClient) -> None:
        answer = await client.auth_test()

        assert answer["user_id"] == BOT_USER
        assert answer["url"] == slack.url + "/"
        assert answer.headers["x-oauth-scopes"].split(",") == sorted(BOT_SCOPES | {"im:write", "reactions:write"})

    async def test_no_token_a_wrong_one_and_one_of_the_wrong_kind_are_told_apart(self) -> None:
        async with Playground(app_token="xapp-1") as slack:
            without = AsyncWebClient(base_url=slack.api_url)
            assert (await refusal(without.auth_test()))["error"] == "not_authed"
            wrong = AsyncWebClient(token="xoxb-other", base_url=slack.api_url)
            assert (await refusal(wrong.auth_test()))["error"] == "invalid_auth"
            app_level = AsyncWebClient(token="xapp-1", base_url=slack.api_url)
            assert (await refusal(app_level.auth_test()))["error"] == "not_allowed_token_type"
            bot = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
            assert (await refusal(bot.apps_connections_open(app_token=slack.bot_token)))["error"] == "not_allowed_token_type"

    async def test_after_an_uninstall_the_token_is_that_of_an_inactive_account(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        slack.uninstall()

        assert (await refusal(client.auth_test()))["error"] == "account_inactive"

    async def test_a_method_without_its_scope_names_the_scope(self) -> None:
        async with Playground(scopes=BOT_SCOPES - {"chat:write", "channels:history"}) as slack:
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)

            answer = await refusal(client.chat_postMessage(channel=WILDLIFE, text="x"))
            assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")
            answer = await refusal(client.conversations_history(channel=WILDLIFE))
            assert (answer["error"], answer["needed"]) == ("missing_scope", "channels:history")

    async def test_a_method_that_is_none_is_unknown(self, client: AsyncWebClient) -> None:
        assert (await refusal(client.api_call("chat.postmessage")))["error"] == "unknown_method"
        assert (await refusal(client.api_call("files.upload")))["error"] == "unknown_method"

    async def test_a_json_body_needs_its_token_in_the_header(self, slack: Playground) -> None:
        async with aiohttp.ClientSession() as session:
            body = {"token": slack.bot_token, "channel": WILDLIFE, "text": "x"}
            async with session.post(slack.api_url + "chat.postMessage", json=body) as response:
                assert (await response.json())["error"] == "not_authed"
            async with session.post(slack.api_url + "chat.postMessage", data=body) as response:
                assert (await response.json())["ok"] is True

    async def test_the_record_of_calls_holds_arguments_and_answers_but_no_token(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        await client.chat_postMessage(channel=WILDLIFE, text="x")

        (call,) = slack.calls_of("chat.postMessage")
        assert call.ok
        assert call.arguments["text"] == "x"
        assert slack.bot_token not in repr(call)


class TestConversations:
    async def test_the_bot_sees_public_channels_and_knows_where_it_is(self, client: AsyncWebClient) -> None:
        listed = await client.conversations_list(types="public_channel,im")

        membership = {channel["id"]: channel.get("is_member", True) for channel in listed["channels"]}
        assert membership == {GENERAL: True, WILDLIFE: True, QUIET: False, DIRECT: True}
        own = await client.users_conversations()
        assert [channel["id"] for channel in own["channels"]] == [GENERAL, WILDLIFE]

    async def test_a_list_comes_in_pages(self, client: AsyncWebClient) -> None:
        first = await client.conversations_list(limit=2)
        rest = await client.conversations_list(limit=2, cursor=first["response_metadata"]["next_cursor"])

        assert [channel["id"] for channel in [*first["channels"], *rest["channels"]]] == [GENERAL, WILDLIFE, QUIET]
        assert rest["response_metadata"]["next_cursor"] == ""

    async def test_where_the_bot_is_not_it_can_neither_post_nor_read(self, client: AsyncWebClient) -> None:
        assert (await refusal(client.chat_postMessage(channel=QUIET, text="x")))["error"] == "not_in_channel"
        assert (await refusal(client.conversations_history(channel=QUIET)))["error"] == "not_in_channel"
        assert (await refusal(client.chat_postMessage(channel="C0NOWHERE01", text="x")))["error"] == "channel_not_found"

    async def test_with_the_scope_for_it_the_bot_posts_to_public_channels_that_it_is_not_in(self) -> None:
        async with Playground(scopes=BOT_SCOPES | {"chat:write.public"}) as slack:
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
            await client.chat_postMessage(channel=QUIET, text="x")

            assert [message.text for message in slack.messages("quiet")] == ["x"]

    async def test_an_archived_channel_takes_nothing(self, slack: Playground, client: AsyncWebClient) -> None:
        slack.archive("wildlife")

        assert (await refusal(client.chat_postMessage(channel=WILDLIFE, text="x")))["error"] == "is_archived"

    async def test_a_direct_conversation_is_opened_by_its_person(self, client: AsyncWebClient) -> None:
        assert (await client.conversations_open(users=[YOU]))["channel"]["id"] == DIRECT
        with_kim = (await client.conversations_open(users=[KIM]))["channel"]["id"]
        posted = await client.chat_postMessage(channel=KIM, text="hello")
        assert posted["channel"] == with_kim != DIRECT


class TestMessages:
    async def test_a_message_is_posted_edited_and_deleted(self, slack: Playground, client: AsyncWebClient) -> None:
        posted = await client.chat_postMessage(channel=WILDLIFE, text="one", blocks=[section("*one*")])
        (message,) = slack.messages("wildlife")
        assert (message.ts, message.text, message.user) == (posted["ts"], "one", BOT_USER)

        await client.chat_update(channel=WILDLIFE, ts=posted["ts"], text="two", blocks=[section("*two*")])
        assert message.blocks[0]["text"]["text"] == "*two*"
        assert "edited" not in slack.workspace.message_json(message)

        await client.chat_update(channel=WILDLIFE, ts=posted["ts"], text="three")
        assert message.blocks == []
        assert "edited" in slack.workspace.message_json(message)

        await client.chat_delete(channel=WILDLIFE, ts=posted["ts"])
        assert slack.messages("wildlife") == []
        answer = await refusal(client.chat_update(channel=WILDLIFE, ts=posted["ts"], text="four"))
        assert answer["error"] == "message_not_found"

    async def test_the_message_of_somebody_else_is_not_the_bots_to_change(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        message = slack.post_message("wildlife", "mine")

        answer = await refusal(client.chat_update(channel=WILDLIFE, ts=message.ts, text="yours"))
        assert answer["error"] == "cant_update_message"
        answer = await refusal(client.chat_delete(channel=WILDLIFE, ts=message.ts))
        assert answer["error"] == "cant_delete_message"

    async def test_a_thread_hangs_on_an_existing_message_that_is_no_reply(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        root = slack.post_message("wildlife", "root")
        reply = await client.chat_postMessage(channel=WILDLIFE, text="reply", thread_ts=root.ts)

        for thread_ts, error in (
            (reply["ts"], "invalid_thread_ts"),
            ("x", "invalid_thread_ts"),
            ("1700000000.000001", "thread_not_found"),
        ):
            answer = await refusal(client.chat_postMessage(channel=WILDLIFE, text="x", thread_ts=thread_ts))
            assert answer["error"] == error
        assert [message.text for message in slack.thread("wildlife", root.ts)] == ["root", "reply"]
        assert [message.text for message in slack.messages("wildlife")] == ["root"]

    async def test_metadata_comes_back_only_when_it_is_asked_for(self, slack: Playground, client: AsyncWebClient) -> None:
        root = slack.post_message("wildlife", "root")
        metadata = {"event_type": "tracklet_step", "event_payload": {"step": "summary"}}
        posted = await client.chat_postMessage(channel=WILDLIFE, text="x", thread_ts=root.ts, metadata=metadata)

        plain = await client.conversations_replies(channel=WILDLIFE, ts=root.ts)
        assert "metadata" not in plain["messages"][1]
        asked = await client.conversations_replies(channel=WILDLIFE, ts=root.ts, include_all_metadata=True)
        assert asked["messages"][1]["metadata"] == metadata
        await client.chat_update(channel=WILDLIFE, ts=posted["ts"], text="y")
        kept = await client.conversations_replies(channel=WILDLIFE, ts=root.ts, include_all_metadata=True)
        assert kept["messages"][1]["metadata"] == metadata

    async def test_metadata_that_is_none_is_refused(self, client: AsyncWebClient) -> None:
        bad = {"event_type": "x"}

        answer = await refusal(client.chat_postMessage(channel=WILDLIFE, text="x", metadata=bad))
        assert answer["error"] == "invalid_metadata_format"

    async def test_nothing_and_too_much_are_no_text(self, client: AsyncWebClient) -> None:
        nothing = client.api_call("chat.postMessage", json={"channel": WILDLIFE, "text": ""})
        assert (await refusal(nothing))["error"] == "no_text"
        assert (await refusal(client.chat_postMessage(channel=WILDLIFE, text="x" * 40_001)))["error"] == "msg_too_long"
        posted = await client.chat_postMessage(channel=WILDLIFE, text="x")
        answer = await refusal(client.chat_update(channel=WILDLIFE, ts=posted["ts"], text="x" * 4_001))
        assert answer["error"] == "msg_too_long"

    async def test_history_holds_roots_newest_first_and_replies_the_thread_oldest_first(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        root = slack.post_message("wildlife", "first")
        slack.post_message("wildlife", "second")
        slack.post_message("wildlife", "reply", thread_ts=root.ts, user=KIM)

        history = await client.conversations_history(channel=WILDLIFE)
        assert [message["text"] for message in history["messages"]] == ["second", "first"]
        assert history["messages"][1]["reply_count"] == 1
        replies = await client.conversations_replies(channel=WILDLIFE, ts=root.ts)
        assert [message["text"] for message in replies["messages"]] == ["first", "reply"]
        assert replies["messages"][1]["parent_user_id"] == YOU
        assert (await refusal(client.conversations_replies(channel=WILDLIFE, ts="1.000001")))["error"] == "thread_not_found"

    async def test_an_ephemeral_message_is_for_a_member_and_no_part_of_the_channel(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        await client.chat_postEphemeral(channel=WILDLIFE, user=YOU, text="psst")

        assert [(shown.user, shown.text) for shown in slack.ephemerals] == [(YOU, "psst")]
        assert slack.messages("wildlife") == []
        slack.kick("wildlife", KIM)
        answer = await refusal(client.chat_postEphemeral(channel=WILDLIFE, user=KIM, text="psst"))
        assert answer["error"] == "user_not_in_channel"

    async def test_a_permalink_leads_to_the_page_and_names_its_thread(self, slack: Playground, client: AsyncWebClient) -> None:
        root = slack.post_message("wildlife", "root")
        reply = slack.post_message("wildlife", "reply", thread_ts=root.ts)

        link = (await client.chat_getPermalink(channel=WILDLIFE, message_ts=reply.ts))["permalink"]
        assert link.startswith(f"{slack.url}/archives/{WILDLIFE}/p{reply.ts.replace('.', '')}")
        assert f"thread_ts={root.ts}" in link
        answer = await refusal(client.chat_getPermalink(channel=WILDLIFE, message_ts="1.000001"))
        assert answer["error"] == "message_not_found"

    async def test_a_reaction_is_added_once(self, slack: Playground, client: AsyncWebClient) -> None:
        message = slack.post_message("wildlife", "root")
        await client.reactions_add(channel=WILDLIFE, timestamp=message.ts, name="eyes")

        assert message.reactions == {"eyes": [BOT_USER]}
        answer = await refusal(client.reactions_add(channel=WILDLIFE, timestamp=message.ts, name="eyes"))
        assert answer["error"] == "already_reacted"
        await client.reactions_remove(channel=WILDLIFE, timestamp=message.ts, name="eyes")
        assert message.reactions == {}

    async def test_a_deleted_root_with_replies_stays_as_a_tombstone(self, slack: Playground, client: AsyncWebClient) -> None:
        root = await client.chat_postMessage(channel=WILDLIFE, text="root")
        await client.chat_postMessage(channel=WILDLIFE, text="reply", thread_ts=root["ts"])
        await client.chat_delete(channel=WILDLIFE, ts=root["ts"])

        assert [message.subtype for message in slack.messages("wildlife")] == ["tombstone"]
        answer = await refusal(client.chat_update(channel=WILDLIFE, ts=root["ts"], text="again"))
        assert answer["error"] == "message_not_found"


CONVERSATIONS = {"type": "conversations_select", "action_id": "a"}


class TestBlocks:
    GOOD = (
        section("x" * 3000),
        section(fields=[{"type": "mrkdwn", "text": "a"}] * 10),
        {"type": "divider"},
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 150}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "a"}] * 10},
        {"type": "image", "image_url": "https://example.org/a.png", "alt_text": "a fox"},
        actions(*[button(action_id=f"a{n}") for n in range(25)]),
        actions(button("x" * 75, value="v" * 2000, style="danger", confirm=confirm(style="danger"))),
        actions({"type": "static_select", "action_id": "s", "options": [option(), option("b")], "initial_option": option("b")}),
        section(accessory={"type": "overflow", "action_id": "o", "options": [option(str(n)) for n in range(5)]}),
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "hello"}]}]},
        {"type": "plan", "title": "Tracking", "tasks": [{"task_id": "1", "title": "Fetch", "status": "complete"}]},
    )
    # fmt: off
    BAD = (
        ("text of a section", section("x" * 3001), "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ("empty text", section(""), "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ("no text", {"type": "section"}, "missing required field: text [json-pointer:/blocks/0]"),
        ("eleven fields", section(fields=[{"type": "mrkdwn", "text": "a"}] * 11), "no more than 10 items allowed"),
        ("long field", section(fields=[{"type": "mrkdwn", "text": "x" * 2001}]), "must be less than 2001 characters"),
        ("a long header", header("x" * 151), "must be less than 151 characters"),
        ("mrkdwn in a header", header("x", "mrkdwn"), "must be a valid enum value"),
        ("26 buttons", actions(*[button(action_id=f"a{n}") for n in range(26)]), "no more than 25 items allowed"),
        ("no buttons", actions(), "no fewer than 1 items allowed"),
        ("eleven in context", {"type": "context", "elements": [{"type": "mrkdwn", "text": "a"}] * 11}, "no more than 10 items"),
        ("long button", actions(button("x" * 76)), "must be less than 76 characters"),
        ("mrkdwn button", actions(button(text_type="x")), "invalid additional property: text_type"),
        ("long value", actions(button(value="v" * 2001)), "must be less than 2001 characters"),
        ("long action_id", actions(button(action_id="a" * 256)), "must be less than 256 characters"),
        ("long block_id", section(block_id="b" * 256), "must be less than 256 characters"),
        ("same action_id", actions(button(), button()), "action_id cancel already exists"),
        ("unknown style", actions(button(style="warning")), "enum value [json-pointer:/blocks/0/elements/0/style]"),
        ("no alt_text", {"type": "image", "image_url": "https://example.org/a.png"}, "missing required field: alt_text"),
        ("no picture", {"type": "image", "alt_text": "a"}, "exactly one of image_url and slack_file"),
        ("no address", {"type": "image", "alt_text": "a", "image_url": "file:///etc/passwd"}, "must be a valid URL"),
        ("a file that is none", {"type": "image", "alt_text": "a", "slack_file": {"id": "F0NONE"}}, "invalid slack file"),
        ("unknown block", {"type": "carousell"}, "unsupported type: carousell [json-pointer:/blocks/0/type]"),
        ("an alert in a message", {"type": "alert", "text": {"type": "plain_text", "text": "x"}}, "unsupported type: alert"),
        ("unknown element", actions({"type": "lever", "action_id": "a"}), "unsupported type: lever"),
        ("text input beside buttons", actions({"type": "plain_text_input", "action_id": "a"}), "unsupported type"),
        ("six in a menu", section(accessory=menu("overflow", *[option(str(n)) for n in range(6)])), "no more than 5 items"),
        ("long option", actions(menu("static_select", option(text="x" * 76))), "must be less than 76"),
        ("long option value", actions(menu("static_select", option("v" * 151))), "less than 151"),
        ("initial option that is none", actions(menu("static_select", option(), initial_option=option("z"))), "must exactly"),
        ("odd default", actions({**CONVERSATIONS, "default_to_current_conversation": "yes"}), "must be a boolean"),
        ("empty filter", actions({**CONVERSATIONS, "filter": {}}), "must be an object with at least one field"),
        ("odd filter", actions({**CONVERSATIONS, "filter": {"include": ["channel"]}}), "must be a valid enum value"),
        ("half a confirm", actions(button(confirm={"title": plain("Sure?")})), "missing required field: text"),
        ("long confirm", actions(button(confirm=confirm(title=plain("x" * 101)))), "must be less than 101"),
        ("no object", "section", "must be an object [json-pointer:/blocks/0]"),
        ("unknown field", section(colour="red"), "invalid additional property: colour"),
    )
    # fmt: on

    @pytest.mark.parametrize("block", GOOD, ids=lambda block: block["type"])
    async def test_blocks_at_their_limits_are_taken(self, client: AsyncWebClient, block: Block) -> None:
        assert (await client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[block]))["ok"]

    async def test_blocks_beyond_what_slack_takes_are_refused_with_the_place(self, slack: Playground) -> None:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        slack.limiter.limits = None
        for name, block, reason in self.BAD:
            answer = await refusal(client.chat_postMessage(channel=WILDLIFE, text="x", blocks=json.dumps([block])))

            assert answer["error"] == "invalid_blocks", name
            assert any(reason in message for message in answer["response_metadata"]["messages"]), (name, answer)

    async def test_fifty_blocks_are_the_most(self, client: AsyncWebClient) -> None:
        await client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[{"type": "divider"}] * 50)
        answer = await refusal(client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[{"type": "divider"}] * 51))
        assert answer["error"] == "invalid_blocks"

    async def test_one_block_id_stands_once(self, client: AsyncWebClient) -> None:
        twice = [section(block_id="b"), section(block_id="b")]
        answer = await refusal(client.chat_postMessage(channel=WILDLIFE, text="x", blocks=twice))
        assert "block_id b already exists" in answer["errors"][0]

    async def test_the_same_action_id_may_stand_in_two_blocks(self, client: AsyncWebClient) -> None:
        await client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[actions(button()), actions(button())])

    async def test_blocks_that_are_no_json_have_the_wrong_format(self, client: AsyncWebClient) -> None:
        answer = await refusal(client.chat_postMessage(channel=WILDLIFE, text="x", blocks="[{"))
        assert answer["error"] == "invalid_blocks_format"

    async def test_blocks_with_too_much_text_in_all_are_too_long(self, client: AsyncWebClient) -> None:
        answer = await refusal(client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[section("x" * 3000)] * 5))
        assert answer["error"] == "msg_blocks_too_long"

    async def test_missing_ids_are_made_up(self, slack: Playground, client: AsyncWebClient) -> None:
        await client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[section(), {"type": "divider"}])
        (message,) = slack.messages("wildlife")
        assert len({block["block_id"] for block in message.blocks}) == 2


class TestRateLimits:
    async def test_posts_to_one_channel_beyond_a_burst_are_told_to_wait(self) -> None:
        async with Playground(limits=RateLimits(post_burst=2)) as slack:
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
            for _ in range(2):
                await client.chat_postMessage(channel=WILDLIFE, text="x")
            with pytest.raises(SlackApiError) as refused:
                await client.chat_postMessage(channel=WILDLIFE, text="x")
            assert refused.value.response.status_code == 429
            assert refused.value.response["error"] == "ratelimited"
            assert refused.value.response.headers["Retry-After"] == "1"
            await client.chat_postMessage(channel=GENERAL, text="another channel")

    def test_a_bucket_fills_again_with_time(self) -> None:
        now = [0.0]
        limiter = RateLimiter(RateLimits(tier_per_minute=(1, 20, 50, 100)), lambda: now[0])

        assert [limiter.wait_for("chat.update", 3, "") for _ in range(50)] == [0] * 50
        assert limiter.wait_for("chat.update", 3, "") == 2
        now[0] = 2.0
        assert limiter.wait_for("chat.update", 3, "") == 0

    async def test_new_apps_may_read_history_once_a_minute(self) -> None:
        async with Playground(limits=RateLimits(history_per_minute=1)) as slack:
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
            root = slack.post_message("wildlife", "x")
            await client.conversations_replies(channel=WILDLIFE, ts=root.ts)
            with pytest.raises(SlackApiError) as refused:
                await client.conversations_replies(channel=WILDLIFE, ts=root.ts)
            assert int(refused.value.response.headers["Retry-After"]) >= 59


class TestFaults:
    async def test_a_method_is_rate_limited_as_often_as_asked(self, slack: Playground, client: AsyncWebClient) -> None:
        slack.faults.rate_limit("chat.update", times=1, retry_after=7)
        posted = await client.chat_postMessage(channel=WILDLIFE, text="x")

        with pytest.raises(SlackApiError) as refused:
            await client.chat_update(channel=WILDLIFE, ts=posted["ts"], text="y")
        assert refused.value.response.headers["Retry-After"] == "7"
        await client.chat_update(channel=WILDLIFE, ts=posted["ts"], text="y")

    async def test_a_lost_response_leaves_what_was_done(self, slack: Playground) -> None:
        slack.faults.lose_response("chat.postMessage")
        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bearer {slack.bot_token}"}
            with pytest.raises(aiohttp.ClientError):
                await session.post(slack.api_url + "chat.postMessage", json={"channel": WILDLIFE, "text": "x"}, headers=headers)
        assert [message.text for message in slack.messages("wildlife")] == ["x"]
        assert slack.calls_of("chat.postMessage")[0].status == 0

    async def test_a_lost_request_leaves_nothing(self, slack: Playground) -> None:
        slack.faults.lose_request("chat.postMessage")
        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bearer {slack.bot_token}"}
            with pytest.raises(aiohttp.ClientError):
                await session.post(slack.api_url + "chat.postMessage", json={"channel": WILDLIFE, "text": "x"}, headers=headers)
        assert slack.messages("wildlife") == []

    async def test_an_error_of_the_server_and_a_refusal_come_when_asked_and_no_sooner(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        slack.faults.refuse("chat.postMessage", "restricted_action", skip=1)
        slack.faults.server_error("chat.postMessage")

        with pytest.raises(SlackApiError) as broken:
            await client.chat_postMessage(channel=WILDLIFE, text="one")
        assert broken.value.response.status_code == 500
        assert (await refusal(client.chat_postMessage(channel=WILDLIFE, text="two")))["error"] == "restricted_action"
        await client.chat_postMessage(channel=WILDLIFE, text="three")
        assert [message.text for message in slack.messages("wildlife")] == ["three"]
