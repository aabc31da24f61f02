"""The playground towards an app: signed events with retries, commands, clicks, shortcuts, modals, and their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground import (
    BOT_EVENTS,
    BOT_ID,
    BOT_SCOPES,
    BOT_USER,
    DIRECT,
    GENERAL,
    KIM,
    OTHER_BOT_USER,
    QUIET,
    WILDLIFE,
    YOU,
    Playground,
    Processing,
    Timing,
)
from tests.integration.listening_app import SECRET, ListeningApp, listening_app

FAST = Timing(ack_s=0.3, retry_after_s=(0.0, 0.001, 0.001))


@pytest.fixture
async def app() -> AsyncIterator[ListeningApp]:
    async with listening_app() as app:
        yield app


@pytest.fixture
async def slack(app: ListeningApp) -> AsyncIterator[Playground]:
    quick = Processing(seconds=0)
    heard = BOT_EVENTS | {"member_joined_channel"}
    async with Playground(
        bot_url=app.url, signing_secret=SECRET, timing=FAST, processing=quick, bot_events=heard
    ) as playground:
        yield playground


@pytest.fixture
def client(slack: Playground) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


class TestEvents:
    async def test_the_request_url_is_verified_by_its_challenge(self, slack: Playground, app: ListeningApp) -> None:
        assert await slack.verify_bot_url()
        slack.bot_url = app.url.replace("/slack/events", "/elsewhere")
        assert not await slack.verify_bot_url()

    async def test_a_message_reaches_the_app_as_slack_sends_it(self, slack: Playground, app: ListeningApp) -> None:
        message = slack.post_message("wildlife", "look: https://example.org/fox.mp4 <b>")
        await slack.settled()

        (heard,) = app.heard
        assert heard.body["type"] == "event_callback"
        assert heard.body["event_id"].startswith("Ev")
        assert heard.body["authorizations"][0]["user_id"] == BOT_USER
        assert heard.event["text"] == "look: <https://example.org/fox.mp4> &lt;b&gt;"
        assert (heard.event["channel"], heard.event["channel_type"], heard.event["user"]) == (WILDLIFE, "channel", YOU)
        assert heard.event["ts"] == heard.event["event_ts"] == message.ts

    async def test_one_upload_is_told_of_twice(self, slack: Playground, app: ListeningApp) -> None:
        message = await slack.upload_file(b"\0\0\0\x18ftypisom", "wildlife", name="fox.mp4", text="the fox")
        await slack.settled()

        (shared,) = app.events("file_shared")
        (posted,) = app.events("message")
        assert posted["subtype"] == "file_share"
        assert (posted["text"], posted["files"][0]["mimetype"]) == ("the fox", "video/mp4")
        assert (shared["file_id"], shared["channel_id"], shared["user_id"]) == (message.file_ids[0], WILDLIFE, YOU)
        assert set(shared) == {"type", "file_id", "file", "channel_id", "user_id", "event_ts"}

    async def test_a_shared_file_can_come_without_its_user(self, slack: Playground, app: ListeningApp) -> None:
        slack.files.shared_names_user = False
        await slack.upload_file(b"\0\0\0\x18ftypisom", "wildlife", name="fox.mp4")
        await slack.settled()

        assert "user_id" not in app.events("file_shared")[0]

    async def test_a_mention_is_told_of_twice_but_not_in_a_direct_message(self, slack: Playground, app: ListeningApp) -> None:
        slack.post_message("wildlife", "@tracklet look")
        slack.post_message("dm", "@tracklet look")
        await slack.settled()

        assert len(app.events("message")) == 2
        assert [event["channel"] for event in app.events("app_mention")] == [WILDLIFE]

    async def test_an_app_hears_nothing_of_channels_that_it_is_not_in(self, slack: Playground, app: ListeningApp) -> None:
        slack.post_message("quiet", "psst")
        await slack.settled()
        assert app.heard == []

        slack.invite("quiet")
        await slack.settled()
        (joined,) = app.events("member_joined_channel")
        assert (joined["user"], joined["inviter"]) == (BOT_USER, YOU)
        assert app.events("message")[0]["subtype"] == "channel_join"

    async def test_edits_and_deletions_say_what_was_before(self, slack: Playground, app: ListeningApp) -> None:
        message = slack.post_message("wildlife", "one")
        slack.edit_message(message, "two")
        slack.delete_message(message)
        await slack.settled()

        by_subtype = {event.get("subtype"): event for event in app.events("message")}
        changed, deleted = by_subtype["message_changed"], by_subtype["message_deleted"]
        assert (changed["previous_message"]["text"], changed["message"]["text"]) == ("one", "two")
        assert (deleted["deleted_ts"], deleted["previous_message"]["text"]) == (message.ts, "two")

    async def test_bots_are_known_by_their_bot_id(self, slack: Playground, app: ListeningApp, client: AsyncWebClient) -> None:
        slack.post_message("wildlife", "sunny", user=OTHER_BOT_USER)
        await client.chat_postMessage(channel=WILDLIFE, text="mine")
        await slack.settled()

        other, own = sorted(app.events("message"), key=lambda event: str(event["ts"]))
        assert (other["subtype"], other["bot_id"]) == ("bot_message", "B0WEATHER01")
        assert (own["bot_id"], own["user"]) == (BOT_ID, BOT_USER)

    async def test_only_what_is_subscribed_and_covered_by_a_scope_is_sent(self, app: ListeningApp) -> None:
        async with Playground(
            bot_url=app.url,
            signing_secret=SECRET,
            bot_events={"message.channels", "app_mention"},
            scopes=BOT_SCOPES - {"app_mentions:read"},
        ) as slack:
            slack.post_message("wildlife", "@tracklet look")
            slack.post_message("dm", "hello")
            await slack.settled()

            assert [(heard.kind, heard.event["channel"]) for heard in app.heard] == [("message", WILDLIFE)]

    async def test_opening_the_home_and_leaving_are_told(self, slack: Playground, app: ListeningApp) -> None:
        slack.open_home()
        slack.uninstall()
        await slack.settled()

        assert {heard.kind for heard in app.heard} == {"app_home_opened", "tokens_revoked"} | {"app_uninstalled"}
        assert app.events("app_home_opened")[0]["tab"] == "home"


class TestRetries:
    async def test_an_event_is_sent_again_until_it_is_taken(self, slack: Playground, app: ListeningApp) -> None:
        answers = iter([500, 404, 200])
        app.answer = lambda heard: web.Response(status=next(answers))
        slack.post_message("wildlife", "x")
        await slack.settled()

        assert [heard.headers.get("X-Slack-Retry-Num") for heard in app.heard] == [None, "1", "2"]
        assert [heard.headers.get("X-Slack-Retry-Reason") for heard in app.heard] == [None, "http_error", "http_error"]
        assert len({heard.body["event_id"] for heard in app.heard}) == 1

    async def test_three_retries_are_the_most(self, slack: Playground, app: ListeningApp) -> None:
        app.answer = lambda heard: web.Response(status=500)
        slack.post_message("wildlife", "x")
        await slack.settled()

        assert len(app.heard) == 4

    async def test_an_app_can_ask_for_no_retry(self, slack: Playground, app: ListeningApp) -> None:
        app.answer = lambda heard: web.Response(status=500, headers={"X-Slack-No-Retry": "1"})
        slack.post_message("wildlife", "x")
        await slack.settled()

        assert len(app.heard) == 1

    async def test_slowness_and_a_dead_app_are_reasons_of_their_own(self) -> None:
        timing = Timing(ack_s=0.05, retry_after_s=(0.0,))
        async with listening_app() as app:
            app.hold = asyncio.Event()
            async with Playground(bot_url=app.url, signing_secret=SECRET, timing=timing) as slack:
                slack.post_message("wildlife", "x")
                await slack.settled()
                assert [delivery.error for delivery in slack.deliveries] == ["http_timeout"] * 2
                await slack.slash_command("wildlife", "/track")
                assert 'error "operation_timeout"' in slack.ephemerals[-1].text
            app.hold.set()
        async with Playground(bot_url=app.url, signing_secret=SECRET, timing=timing) as slack:
            slack.post_message("wildlife", "x")
            await slack.settled()
            assert [delivery.error for delivery in slack.deliveries] == ["connection_failed"] * 2


class TestCommands:
    async def test_a_command_is_a_signed_form_with_everything_in_it(self, slack: Playground, app: ListeningApp) -> None:
        delivery = await slack.slash_command("wildlife", "/track", "https://example.org/fox.mp4 from 0:10 <#x> @kim")

        assert delivery is not None
        assert delivery.ok
        (heard,) = app.heard
        assert heard.body["command"] == "/track"
        assert heard.body["text"] == f"<https://example.org/fox.mp4> from 0:10 &lt;#x&gt; <@{KIM}>"
        assert (heard.body["channel_id"], heard.body["user_id"]) == (WILDLIFE, YOU)
        assert heard.body["response_url"].startswith(slack.url)
        assert slack.messages("wildlife") == []

    async def test_what_acknowledges_a_command_is_shown_to_its_sender_or_to_all(
        self, slack: Playground, app: ListeningApp
    ) -> None:
        app.answer = lambda heard: web.Response(text="on it")
        await slack.slash_command("wildlife", "/track")
        app.answer = lambda heard: web.json_response({"text": "for all", "response_type": "in_channel"})
        await slack.slash_command("wildlife", "/track")

        assert [(shown.user, shown.text) for shown in slack.ephemerals] == [(YOU, "on it")]
        assert [message.text for message in slack.messages("wildlife")] == ["for all"]

    async def test_an_app_that_fails_is_said_to_have_failed(self, slack: Playground, app: ListeningApp) -> None:
        app.answer = lambda heard: web.Response(status=404)
        await slack.slash_command("wildlife", "/track")
        assert 'error "dispatch_failed"' in slack.ephemerals[-1].text

    async def test_a_command_that_nobody_has_is_answered_by_slack(self, slack: Playground, app: ListeningApp) -> None:
        assert await slack.slash_command("wildlife", "/trakc") is None
        assert app.heard == []
        assert "not a valid command" in slack.ephemerals[0].text

    async def test_a_response_url_works_five_times(self, slack: Playground, app: ListeningApp) -> None:
        await slack.slash_command("quiet", "/track")
        url = app.heard[0].body["response_url"]
        async with aiohttp.ClientSession() as session:
            for number in range(5):
                async with session.post(url, json={"text": str(number)}) as response:
                    assert response.status == 200
            async with session.post(url, json={"text": "6"}) as response:
                assert (response.status, (await response.json())["error"]) == (404, "used_url")
            async with session.post(url + "x", json={"text": "6"}) as response:
                assert response.status == 404
        assert [shown.text for shown in slack.ephemerals] == ["0", "1", "2", "3", "4"]

    async def test_a_response_url_ends_with_its_time(self, app: ListeningApp) -> None:
        async with Playground(bot_url=app.url, signing_secret=SECRET, timing=Timing(response_url_s=-1)) as slack:
            await slack.slash_command("wildlife", "/track")
            url = app.heard[0].body["response_url"]
            async with aiohttp.ClientSession() as session, session.post(url, json={"text": "x"}) as response:
                assert (await response.json())["error"] == "expired_url"


BUTTON = {
    "type": "actions",
    "block_id": "job",
    "elements": [
        {"type": "button", "action_id": "cancel", "value": "j1", "text": {"type": "plain_text", "text": "Cancel"}},
        {
            "type": "static_select",
            "action_id": "engine",
            "options": [{"value": name, "text": {"type": "plain_text", "text": name}} for name in ("yolox", "motion")],
        },
    ],
}


class TestInteractions:
    async def test_a_click_carries_message_state_and_response_url(
        self, slack: Playground, app: ListeningApp, client: AsyncWebClient
    ) -> None:
        root = slack.post_message("wildlife", "root")
        await client.chat_postMessage(channel=WILDLIFE, text="x", thread_ts=root.ts, blocks=[BUTTON])
        message = slack.thread("wildlife", root.ts)[1]
        await slack.click(message, "cancel", user=KIM, values={"engine": "motion"})

        body = app.heard[-1].body
        assert (body["type"], body["user"]["id"], body["channel"]["id"]) == ("block_actions", KIM, WILDLIFE)
        assert (body["actions"][0]["value"], body["actions"][0]["block_id"]) == ("j1", "job")
        assert body["container"] == {
            "type": "message", "message_ts": message.ts, "channel_id": WILDLIFE, "is_ephemeral": False, "thread_ts": root.ts,
        }  # fmt: skip
        assert body["message"]["ts"] == message.ts
        assert body["state"]["values"]["job"]["engine"]["selected_option"]["value"] == "motion"
        async with aiohttp.ClientSession() as session:
            await session.post(body["response_url"], json={"replace_original": True, "text": "cancelled"})
        assert (message.text, message.blocks) == ("cancelled", [])

    async def test_a_menu_reports_what_was_chosen(self, slack: Playground, app: ListeningApp, client: AsyncWebClient) -> None:
        await client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[BUTTON])
        await slack.click(slack.messages("wildlife")[0], "engine", value="yolox")

        assert app.heard[-1].body["actions"][0]["selected_option"]["value"] == "yolox"

    async def test_a_click_on_something_ephemeral_has_no_message_and_can_delete_it(
        self, slack: Playground, app: ListeningApp, client: AsyncWebClient
    ) -> None:
        await client.chat_postEphemeral(channel=WILDLIFE, user=YOU, text="x", blocks=[BUTTON])
        await slack.click(slack.ephemerals[0], "cancel")

        body = app.heard[-1].body
        assert body["container"]["is_ephemeral"] is True
        assert "message" not in body
        async with aiohttp.ClientSession() as session:
            await session.post(body["response_url"], json={"delete_original": True})
        assert slack.ephemerals == []

    async def test_shortcuts_name_themselves_and_their_message(self, slack: Playground, app: ListeningApp) -> None:
        message = slack.post_message("wildlife", "fox")
        await slack.settled()
        await slack.open_shortcut("track_message", message)
        await slack.open_shortcut("track_global")

        at_message, anywhere = (heard.body for heard in app.heard[-2:])
        assert (at_message["type"], at_message["callback_id"]) == ("message_action", "track_message")
        assert (at_message["message"]["text"], at_message["channel"]["id"]) == ("fox", WILDLIFE)
        assert (anywhere["type"], anywhere["callback_id"]) == ("shortcut", "track_global")
        assert anywhere["trigger_id"] != at_message["trigger_id"]


def modal(**more: Any) -> dict[str, Any]:
    link = {"type": "plain_text_input", "action_id": "link"}
    label = {"type": "plain_text", "text": "Link"}
    return {
        "type": "modal",
        "callback_id": "track",
        "title": label,
        "submit": label,
        "blocks": [{"type": "input", "block_id": "source", "label": label, "element": link}],
        **more,
    }


class TestModals:
    async def trigger(self, slack: Playground, app: ListeningApp) -> str:
        await slack.open_shortcut("track_global")
        return str(app.heard[-1].body["trigger_id"])

    async def test_a_trigger_opens_one_modal_and_in_time(
        self, slack: Playground, app: ListeningApp, client: AsyncWebClient
    ) -> None:
        trigger_id = await self.trigger(slack, app)
        opened = await client.views_open(trigger_id=trigger_id, view=modal())

        assert [view.id for view in slack.views] == [opened["view"]["id"]]
        with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
            await client.views_open(trigger_id=trigger_id, view=modal())
        with pytest.raises(SlackApiError, match="invalid_trigger_id"):
            await client.views_open(trigger_id="1.2.3", view=modal())
        slack.triggers.trigger_s = -1
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            await client.views_open(trigger_id=await self.trigger(slack, app), view=modal())

    async def test_a_modal_that_slack_would_not_show_is_refused(
        self, slack: Playground, app: ListeningApp, client: AsyncWebClient
    ) -> None:
        for view, reason in (
            (modal(title={"type": "plain_text", "text": "x" * 25}), "must be less than 25 characters"),
            ({key: value for key, value in modal().items() if key != "submit"}, "missing required field: submit"),
            (modal(private_metadata="x" * 3001), "must be less than 3001"),
            (modal(blocks=[{"type": "divider"}] * 101), "no more than 100 items"),
            (modal(colour="red"), "invalid additional property"),
        ):
            with pytest.raises(SlackApiError) as refused:
                await client.views_open(trigger_id=await self.trigger(slack, app), view=view)
            assert refused.value.response["error"] == "invalid_arguments"
            assert reason in refused.value.response["response_metadata"]["messages"][0]

    async def test_a_submission_carries_its_values_and_closes(
        self, slack: Playground, app: ListeningApp, client: AsyncWebClient
    ) -> None:
        await client.views_open(trigger_id=await self.trigger(slack, app), view=modal(private_metadata="m"))
        missing = await slack.submit_view(slack.views[0])
        assert missing == {"errors": {"source": "Please complete this required field."}}

        await slack.submit_view(slack.views[0], {"link": "https://example.org/fox.mp4"})
        view = app.heard[-1].body["view"]
        assert view["state"]["values"]["source"]["link"]["value"] == "https://example.org/fox.mp4"
        assert (view["callback_id"], view["private_metadata"]) == ("track", "m")
        assert slack.views == []

    async def test_a_form_begins_with_the_conversation_in_which_it_was_asked_for(
        self, slack: Playground, app: ListeningApp, client: AsyncWebClient
    ) -> None:
        async def chosen(**element: Any) -> Any:
            trigger_id = app.heard[-1].body["trigger_id"]
            where = {"type": "conversations_select", "action_id": "where", **element}
            block = {"type": "input", "block_id": "b", "optional": True, "element": where}
            block |= {"label": {"type": "plain_text", "text": "Where?"}}
            await client.views_open(trigger_id=trigger_id, view=modal(blocks=[block]))
            await slack.submit_view(slack.views[-1])
            return app.heard[-1].body["view"]["state"]["values"]["b"]["where"]["selected_conversation"]

        current = {"default_to_current_conversation": True}
        without_bots = {"filter": {"include": ["public", "im"], "exclude_bot_users": True}}
        message = slack.post_message("quiet", "a fox")
        await slack.settled()
        cases: list[tuple[Callable[[], Awaitable[object]], dict[str, Any], str | None]] = [
            (lambda: slack.slash_command("general", "/track"), current, GENERAL),
            (lambda: slack.slash_command("general", "/track"), {}, None),
            (lambda: slack.slash_command("general", "/track"), current | {"initial_conversation": WILDLIFE}, WILDLIFE),
            (lambda: slack.slash_command("general", "/track"), current | {"filter": {"include": ["private"]}}, None),
            (lambda: slack.slash_command("dm", "/track"), current, DIRECT),
            (lambda: slack.slash_command("dm", "/track"), current | without_bots, None),
            (lambda: slack.open_shortcut("track_message", message), current, QUIET),
            (lambda: slack.open_shortcut("track_global", channel="general"), current, GENERAL),
            (lambda: slack.open_shortcut("track_global"), current, None),
        ]
        for ask, element, expected in cases:
            await ask()
            assert await chosen(**element) == expected, element

    async def test_errors_stay_in_the_modal_and_an_update_replaces_it(
        self, slack: Playground, app: ListeningApp, client: AsyncWebClient
    ) -> None:
        await client.views_open(trigger_id=await self.trigger(slack, app), view=modal())
        wrong = {"response_action": "errors", "errors": {"source": "No video there."}}
        app.answer = lambda heard: web.json_response(wrong)
        assert (await slack.submit_view(slack.views[0], {"link": "x"}))["errors"] == {"source": "No video there."}
        assert len(slack.views) == 1

        done = {"type": "plain_text", "text": "Done"}
        app.answer = lambda heard: web.json_response({"response_action": "update", "view": modal(title=done)})
        assert (await slack.submit_view(slack.views[0], {"link": "x"}))["errors"] == {}
        assert slack.views[0].view["title"]["text"] == "Done"

    async def test_three_views_stack_and_a_changed_one_is_known_by_its_hash(
        self, slack: Playground, app: ListeningApp, client: AsyncWebClient
    ) -> None:
        with_button = modal(blocks=[BUTTON])
        opened = await client.views_open(trigger_id=await self.trigger(slack, app), view=with_button)
        for _ in range(2):
            await slack.click(slack.views[-1], "cancel")
            await client.views_push(trigger_id=app.heard[-1].body["trigger_id"], view=with_button)
        await slack.click(slack.views[-1], "cancel")
        with pytest.raises(SlackApiError, match="push_limit_reached"):
            await client.views_push(trigger_id=app.heard[-1].body["trigger_id"], view=with_button)
        old = opened["view"]
        await client.views_update(view_id=old["id"], hash=old["hash"], view=modal())
        with pytest.raises(SlackApiError, match="hash_conflict"):
            await client.views_update(view_id=old["id"], hash=old["hash"], view=modal())

    async def test_a_modal_that_asks_for_it_tells_of_being_closed(
        self, slack: Playground, app: ListeningApp, client: AsyncWebClient
    ) -> None:
        await client.views_open(trigger_id=await self.trigger(slack, app), view=modal(notify_on_close=True))
        await slack.close_view(slack.views[0])

        assert app.heard[-1].body["type"] == "view_closed"
        assert slack.views == []

    async def test_the_home_is_published_for_one_person(self, slack: Playground, client: AsyncWebClient) -> None:
        await client.views_publish(user_id=YOU, view={"type": "home", "blocks": [{"type": "divider"}]})
        assert slack.home() is not None
        assert slack.home(KIM) is None
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.views_publish(user_id=YOU, view=modal())
