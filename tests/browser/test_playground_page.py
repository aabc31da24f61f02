"""
The playground's page in a real browser: the system's Chromium, driven by Playwright. Any console error or failed request fails.

A scripted app stands for the bot: it talks to the workspace through the real Web API, so that what is tested here is the page
alone.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from PIL import Image
from slack_sdk.web.async_client import AsyncWebClient

from playground import DIRECT, GENERAL, KIM, QUIET, WILDLIFE, YOU, Playground, Processing
from tests.browser.chromium import Open, careful_pages, needs_chromium, until
from tests.integration.listening_app import SECRET, ListeningApp, listening_app
from tests.shared_data import shared_data

pytestmark = [needs_chromium, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def app() -> AsyncIterator[ListeningApp]:
    async with listening_app() as app:
        yield app


@pytest_asyncio.fixture(loop_scope="module")
async def slack(app: ListeningApp, tmp_path: Path) -> AsyncIterator[Playground]:
    sample = tmp_path / "sample clip.mp4"
    sample.write_bytes(VIDEO)
    async with Playground(
        bot_url=app.url, signing_secret=SECRET, samples=[sample], processing=Processing(seconds=0), limits=None
    ) as slack:
        yield slack


@pytest_asyncio.fixture(loop_scope="module")
async def client(slack: Playground) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(browser: Any, slack: Playground) -> AsyncIterator[Open]:
    async with careful_pages(browser, slack.page_url) as opened:
        yield opened


def _gif(frames: int = 4) -> bytes:
    pictures = [Image.new("RGB", (64, 48), (40 * number, 90, 120)) for number in range(frames)]
    target = io.BytesIO()
    pictures[0].save(target, "GIF", save_all=True, append_images=pictures[1:], duration=60, loop=0)
    return target.getvalue()


GIF = _gif()
VIDEO = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(200_000)
CANCEL = {
    "type": "actions",
    "block_id": "job",
    "elements": [
        {
            "type": "button",
            "action_id": "cancel",
            "value": "j1",
            "style": "danger",
            "text": {"type": "plain_text", "text": "Cancel"},
            "confirm": {
                "title": {"type": "plain_text", "text": "Cancel this job?"},
                "text": {"type": "mrkdwn", "text": "What was found is *thrown away*."},
                "confirm": {"type": "plain_text", "text": "Yes, cancel"},
                "deny": {"type": "plain_text", "text": "Go on"},
            },
        }
    ],
}


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "block_id": f"s{abs(hash(text))}", "text": {"type": "mrkdwn", "text": text}}


async def test_a_message_is_written_with_the_keyboard_and_appears(slack: Playground, open_page: Open) -> None:
    page = await open_page()
    assert await page.evaluate("document.activeElement.id") == "composer-main"
    await page.keyboard.type("hello <b>world</b> *bold* & _more_")
    await page.keyboard.press("Enter")

    row = page.locator(".message").last
    await row.get_by_text("hello <b>world</b>").wait_for()
    assert await row.locator("strong").inner_text() == "bold"
    assert await row.locator(".body b").count() == 0
    assert slack.messages("wildlife")[0].text == "hello &lt;b&gt;world&lt;/b&gt; *bold* &amp; _more_"
    assert await page.input_value("#composer-main") == ""


async def test_shift_and_enter_make_a_new_line(slack: Playground, open_page: Open) -> None:
    page = await open_page()
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")
    await page.get_by_text("two").wait_for()
    assert slack.messages("wildlife")[0].text == "one\ntwo"


async def test_hostile_text_stays_text(slack: Playground, client: AsyncWebClient, open_page: Open) -> None:
    page = await open_page()
    await client.chat_postMessage(
        channel=WILDLIFE,
        text="x",
        blocks=[
            section("<javascript:alert(1)|click> <img src=x onerror=alert(1)> `<script>`"),
            section("<https://example.org/?a=1&amp;b=2|a *link*> :white_check_mark: :no_such_emoji:"),
            {"type": "image", "image_url": "https://example.org/a.png", "alt_text": "not fetched from elsewhere"},
        ],
    )
    body = page.locator(".message .body").last
    await body.get_by_text("click", exact=False).first.wait_for()

    assert await body.locator("a").evaluate_all("links => links.map(link => link.href)") == [
        "https://example.org/?a=1&b=2",
        "https://example.org/a.png",
    ]
    assert await body.locator("img, script").count() == 0
    assert "✅ :no_such_emoji:" in await body.inner_text()


async def test_a_command_is_offered_completed_and_sent(slack: Playground, app: ListeningApp, open_page: Open) -> None:
    app.answer = lambda heard: web.Response(text="Which video? Add a *link*.")
    page = await open_page()
    await page.keyboard.type("/tr")
    await page.get_by_role("option", name="/track").wait_for()
    await page.keyboard.press("Tab")
    assert await page.input_value("#composer-main") == "/track "
    await page.keyboard.type("https://example.org/fox.mp4")
    await page.keyboard.press("Enter")

    note = page.locator(".message.ephemeral")
    await note.get_by_text("Only visible to you").wait_for()
    assert await note.locator("strong").inner_text() == "link"
    assert app.heard[-1].body["text"] == "<https://example.org/fox.mp4>"
    await note.hover()
    await note.get_by_role("button", name="Dismiss").click()
    await note.wait_for(state="detached")
    assert slack.ephemerals == []


def clips(*names: str) -> list[Any]:
    """Return files as a person chooses them, in this order."""
    return [{"name": name, "mimeType": "video/mp4", "buffer": VIDEO} for name in names]


async def test_a_dropped_video_waits_for_send_and_is_shown(slack: Playground, open_page: Open) -> None:
    video = shared_data("videos/horses.mp4")
    page = await open_page()
    await page.evaluate(
        """async () => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(300000)], 'my fox.webm', { type: 'video/webm' }));
          const target = document.getElementById('main');
          for (const name of ['dragenter', 'dragover', 'drop']) {
            target.dispatchEvent(new DragEvent(name, { dataTransfer: transfer, bubbles: true, cancelable: true }));
            if (name === 'dragover') window.veil = document.querySelector('.drop-veil')?.innerText;
          }
        }"""
    )
    assert "Attach to your message in #wildlife" in await page.evaluate("window.veil")
    await page.get_by_role("button", name="Remove my fox.webm").wait_for()
    await until(page, "document.activeElement.id === 'composer-main'")
    assert slack.messages("wildlife") == []
    await page.keyboard.press("Enter")
    await page.locator(".file-name", has_text="my fox.webm").wait_for()
    assert slack.messages("wildlife")[0].files[0]["size"] == 300_000
    assert await page.locator(".attachment").count() == 0

    await page.set_input_files("main input[type=file]", video)
    await page.get_by_role("button", name="Send").click()
    player = page.locator("video[aria-label='Video: horses.mp4']")
    await player.wait_for()
    await until(page, "[...document.querySelectorAll('video')].at(-1).videoWidth === 720")
    assert slack.messages("wildlife")[1].files[0]["size"] == video.stat().st_size
    assert await page.locator(".uploading").count() == 0


async def test_several_files_are_one_message_with_its_text_in_the_order_of_choice(
    slack: Playground, app: ListeningApp, open_page: Open
) -> None:
    page = await open_page()
    await page.set_input_files("main input[type=file]", clips("CAM1_0005.mp4", "CAM1_0001.mp4"))
    await page.set_input_files("main input[type=file]", clips("CAM2_0003.mp4", "CAM1_0002.mp4"))
    await page.get_by_role("button", name="Remove CAM2_0003.mp4").click()
    assert await page.evaluate("document.activeElement.ariaLabel") == "Remove CAM1_0002.mp4"
    await page.locator("#composer-main").fill("from the ridge")
    await page.keyboard.press("Enter")
    await page.locator(".main .message video").nth(2).wait_for()

    (message,) = slack.messages("wildlife")
    assert message.text == "from the ridge"
    assert [file["name"] for file in message.files] == ["CAM1_0005.mp4", "CAM1_0001.mp4", "CAM1_0002.mp4"]
    await slack.settled()
    assert [event["file_id"] for event in app.events("file_shared")] == message.file_ids
    assert len(app.events("message")) == 1
    assert {file.name for file in slack.files.by_id.values()} == {file["name"] for file in message.files}
    assert await page.input_value("#composer-main") == ""


async def test_files_wait_in_the_conversation_where_they_were_attached(slack: Playground, open_page: Open) -> None:
    page = await open_page()
    await page.set_input_files("main input[type=file]", clips("fox.mp4"))
    await page.get_by_role("link", name="general").click()
    await page.get_by_role("combobox", name="Message #general").wait_for()
    assert await page.locator(".main .attachment").count() == 0
    assert await page.get_by_role("button", name="Send").first.is_disabled()
    await page.get_by_role("link", name="wildlife").click()
    await page.get_by_role("button", name="Remove fox.mp4").wait_for()
    await page.get_by_role("button", name="Send").first.click()
    await page.locator(".main video").wait_for()
    assert slack.messages("general") == []


async def test_a_command_takes_no_files_and_nothing_is_lost(slack: Playground, app: ListeningApp, open_page: Open) -> None:
    page = await open_page()
    await page.set_input_files("main input[type=file]", clips("fox.mp4"))
    await page.locator("#composer-main").fill("/track status")
    await page.keyboard.press("Enter")
    await page.get_by_text("A command takes no files.").wait_for()
    assert await page.input_value("#composer-main") == "/track status"
    assert await page.get_by_role("button", name="Remove fox.mp4").is_visible()
    assert app.heard == []


async def test_a_message_takes_ten_files_and_says_so(slack: Playground, open_page: Open) -> None:
    page = await open_page()
    await page.set_input_files("main input[type=file]", clips(*(f"{number}.mp4" for number in range(11))))
    await page.get_by_text("A message takes 10 files. The others were left out.").wait_for()
    assert await page.locator(".attachment").count() == 10


async def test_a_message_whose_files_are_on_their_way_can_be_taken_back(slack: Playground, open_page: Open) -> None:
    page = await open_page()
    held: list[Any] = []
    arrived = asyncio.Event()

    async def hold(route: Any) -> None:
        held.append(route)
        arrived.set()

    await page.route("**/playground/upload*", hold)
    await page.set_input_files("main input[type=file]", clips("fox.mp4"))
    await arrived.wait()
    await page.locator("#composer-main").fill("a fox")
    await page.keyboard.press("Enter")
    await page.locator(".uploading", has_text="fox.mp4").wait_for()
    assert await page.locator(".attachment").count() == 0
    await page.get_by_role("button", name="Do not send").click()
    await page.get_by_role("button", name="Remove fox.mp4").wait_for()
    assert await page.input_value("#composer-main") == "a fox"

    await page.get_by_role("button", name="Send").first.click()
    await page.locator(".uploading").wait_for()
    await held[0].continue_()
    await page.locator(".main video").wait_for()
    assert [message.text for message in slack.messages("wildlife")] == ["a fox"]


async def test_a_file_that_could_not_be_uploaded_is_named_and_the_rest_stays(slack: Playground, open_page: Open) -> None:
    page = await open_page()

    async def refuse(route: Any) -> None:
        if "broken" in route.request.url:
            await route.fulfill(status=299, body="")
        else:
            await route.continue_()

    await page.route("**/playground/upload*", refuse)
    await page.set_input_files("main input[type=file]", clips("fox.mp4", "broken.mp4"))
    await page.get_by_text("broken.mp4 could not be uploaded.").wait_for()
    assert await page.locator(".attachment").all_inner_texts() == ["fox.mp4\n200 kB"]
    await page.get_by_role("button", name="Send").first.click()
    await page.locator(".main video").wait_for()
    assert len(slack.messages("wildlife")[0].files) == 1


async def test_the_sample_clip_is_one_click_away_and_opens_its_thread(
    slack: Playground, app: ListeningApp, open_page: Open
) -> None:
    slack.samples["sample clip.mp4"] = shared_data("videos/horses.mp4")
    page = await open_page()
    await page.get_by_role("button", name="Try the sample clip").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.locator("video").wait_for()
    await until(page, "document.activeElement.id === 'composer-thread'")

    await slack.settled()
    assert [event["channel_id"] for event in app.events("file_shared")] == [WILDLIFE]
    await page.keyboard.press("Escape")
    await thread.wait_for(state="hidden")
    assert "Try the sample clip" in await page.evaluate("document.activeElement.innerText")


@pytest.mark.parametrize("width", [1200, 900])
async def test_focus_goes_into_a_thread_and_back_to_what_opened_it(
    slack: Playground, client: AsyncWebClient, open_page: Open, width: int
) -> None:
    root = slack.post_message("wildlife", "look at this", user=KIM)
    await client.chat_postMessage(channel=WILDLIFE, text="I found a fox", thread_ts=root.ts)
    page = await open_page(width=width)
    await page.get_by_role("button", name="1 reply").focus()
    await page.keyboard.press("Enter")
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_text("I found a fox").wait_for()
    assert await page.evaluate("document.activeElement.id") == "composer-thread"
    # What opened the thread is drawn anew meanwhile.
    await client.chat_postMessage(channel=WILDLIFE, text="and another", thread_ts=root.ts)
    await thread.get_by_text("and another").wait_for()
    await page.keyboard.press("Escape")
    await thread.wait_for(state="hidden")
    assert "2 replies" in await page.evaluate("document.activeElement.innerText")

    await page.keyboard.press("Enter")
    await thread.wait_for()
    await thread.get_by_role("button", name="Close the thread").click()
    assert "2 replies" in await page.evaluate("document.activeElement.innerText")
    await page.keyboard.press("Enter")
    await page.go_back()
    await thread.wait_for(state="hidden")


async def test_a_thread_on_a_touch_screen_gets_the_focus_without_the_keyboard(slack: Playground, open_page: Open) -> None:
    root = slack.post_message("wildlife", "look at this", user=KIM)
    slack.post_message("wildlife", "seen", thread_ts=root.ts, user=KIM)
    page = await open_page(touch=True)
    await page.get_by_role("button", name="1 reply").click()
    await until(page, "document.querySelector('.thread h2') === document.activeElement")
    await page.keyboard.press("Escape")
    assert "1 reply" in await page.evaluate("document.activeElement.innerText")


async def test_a_button_stays_below_the_pointer_while_it_is_pressed(slack: Playground, open_page: Open) -> None:
    for number in range(30):
        root = slack.post_message("wildlife", f"look at this, {number}", user=KIM)
    slack.post_message("wildlife", "seen", thread_ts=root.ts, user=KIM)
    page = await open_page(width=700)  # where the buttons of a message that goes on come below it with the focus
    box = await page.get_by_role("button", name="1 reply").bounding_box()
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await until(page, "document.querySelector('.message:focus-within .tools button').checkVisibility()")
    await page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    await page.mouse.up()
    await page.get_by_role("complementary", name="Thread").get_by_text("seen").wait_for()


async def test_each_button_says_what_it_is_for(slack: Playground, client: AsyncWebClient, open_page: Open) -> None:
    slack.post_message("wildlife", "a fox at the gate", user=KIM)
    await slack.upload_files([("CAM1.mp4", VIDEO), ("CAM2.mp4", VIDEO)], "wildlife")
    menu = {"type": "overflow", "action_id": "more", "options": [{"text": plain("Again"), "value": "again"}]}
    row = {"type": "section", "text": {"type": "mrkdwn", "text": "*fox.mp4* is done"}, "accessory": menu}
    await client.chat_postMessage(channel=WILDLIFE, text="Your jobs", blocks=[row])
    page = await open_page()
    await page.locator(".main video").nth(1).wait_for()
    for name in (
        "More actions for message of Kim Lindqvist: a fox at the gate",
        "Reply in thread to message of You: CAM1.mp4, CAM2.mp4",
        "More actions for fox.mp4 is done",
    ):
        assert await page.get_by_role("button", name=name, exact=True).count() == 1, name
    names = await page.locator("main .message button[aria-label], main .message a[aria-label]").evaluate_all(
        "all => all.map(each => each.ariaLabel)"
    )
    assert len(set(names)) == len(names)


async def test_a_message_that_continues_another_says_whose_it_is(slack: Playground, open_page: Open) -> None:
    for text in ("first", "second"):
        slack.post_message("wildlife", text, user=KIM)
    page = await open_page()
    row = page.get_by_role("listitem").filter(has_text="second")
    assert "Kim Lindqvist (continued)" in await row.aria_snapshot()


async def test_the_tab_key_stops_at_the_buttons_of_the_focused_message_alone(slack: Playground, open_page: Open) -> None:
    for text in ("first", "second", "third"):
        slack.post_message("wildlife", text, user=KIM)
    page = await open_page()
    await page.get_by_role("button", name="Choose a video").focus()
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "composer-main"
    await page.locator(".main .messages").focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.ariaLabel") == "Reply in thread to message of Kim Lindqvist: second"
    await page.keyboard.press("Enter")
    await until(page, "document.activeElement.id === 'composer-thread'")
    await page.locator("#composer-main").focus()
    await page.get_by_role("link", name="Skip to the thread").press("Enter")
    assert await page.evaluate("document.activeElement.id") == "composer-thread"


async def test_a_form_has_its_labels_and_begins_with_the_channel_that_is_open(
    slack: Playground, app: ListeningApp, client: AsyncWebClient, open_page: Open
) -> None:
    where = {
        "type": "conversations_select", "action_id": "where", "default_to_current_conversation": True,
        "filter": {"include": ["public", "im"], "exclude_bot_users": True},
    }  # fmt: skip
    block = {"type": "input", "block_id": "b", "label": plain("Where shall I answer?"), "element": where}
    view = {"type": "modal", "title": plain("Track"), "submit": plain("Track"), "blocks": [block]}
    page = await open_page("/#/C0GENERAL01")
    await page.keyboard.type("/track ")
    await page.keyboard.press("Enter")
    await slack.until(lambda: app.heard)
    await client.views_open(trigger_id=app.heard[-1].body["trigger_id"], view=view)
    select = page.get_by_role("combobox", name="Where shall I answer?")
    await select.wait_for()
    assert await select.input_value() == GENERAL
    assert await select.locator("option").all_inner_texts() == ["Choose", "#general", "#wildlife", "#quiet"]
    await page.get_by_role("button", name="Track", exact=True).click()
    await page.get_by_role("dialog").wait_for(state="detached")
    assert app.heard[-1].body["view"]["state"]["values"]["b"]["where"]["selected_conversation"] == GENERAL


LIGHTBOX = """() => {
  const box = (name) => {
    const { width, height } = document.querySelector(name).getBoundingClientRect();
    return [width, height];
  };
  return { dialog: box('.lightbox'), picture: box('.lightbox img'), stage: box('.lightbox-stage') };
}"""


def _picture(width: int, height: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width, height), (40, 90, 120)).save(target, "PNG")
    return target.getvalue()


async def test_a_picture_fills_the_window_and_is_left_by_the_keyboard(
    slack: Playground, client: AsyncWebClient, open_page: Open
) -> None:
    pictures = [
        {"content": _picture(320, 240), "filename": f"{n}.png", "title": f"fox {n}", "alt_txt": f"a fox, {n}"} for n in range(2)
    ]
    await client.files_upload_v2(file_uploads=pictures, channel=WILDLIFE, initial_comment="both")
    page = await open_page()
    assert await page.locator(".picture-file figcaption").all_inner_texts() == ["fox 0", "fox 1"]
    thumbnail = page.get_by_role("button", name="Show larger: a fox, 1")
    await thumbnail.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="fox 1")
    await dialog.wait_for()
    await until(page, "document.querySelector('.lightbox img').style.width")
    shown = await page.evaluate(LIGHTBOX)
    assert shown["dialog"] == [1200, 800]
    assert shown["picture"][1] == pytest.approx(shown["stage"][1], abs=1)
    assert shown["picture"][1] > 650
    assert await page.evaluate("document.activeElement.ariaLabel") == "Close"

    await page.keyboard.press("ArrowRight")
    await page.get_by_role("dialog", name="fox 0").wait_for()
    await page.get_by_role("button", name="Zoom in").click()
    larger = await page.evaluate(LIGHTBOX)
    assert larger["picture"][1] > shown["picture"][1] * 1.4
    await page.locator(".lightbox-stage").focus()
    await page.keyboard.press("ArrowDown")
    await until(page, "document.querySelector('.lightbox-stage').scrollTop > 0")
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog").wait_for(state="detached")
    assert await page.evaluate("document.activeElement.ariaLabel") == "Show larger: a fox, 1"


async def test_a_wide_picture_is_really_larger_on_a_phone(slack: Playground, client: AsyncWebClient, open_page: Open) -> None:
    await client.files_upload_v2(content=_picture(1600, 900), filename="summary.png", alt_txt="a fox, " * 100, channel=WILDLIFE)
    page = await open_page(width=390, height=844, touch=True)
    thumbnail = page.locator(".picture-file .picture")
    before = (await thumbnail.bounding_box())["width"]
    await thumbnail.click()
    await until(page, "document.querySelector('.lightbox img').style.width")
    shown = await page.evaluate(LIGHTBOX)
    assert shown["picture"][0] > 3 * before
    assert shown["stage"][1] > 650
    assert await page.evaluate("document.scrollingElement.scrollWidth") == 390
    await page.locator(".lightbox img").click(position={"x": 200, "y": 200})
    assert (await page.evaluate(LIGHTBOX))["picture"][0] == pytest.approx(390, abs=1)


async def test_escape_leaves_a_picture_before_its_thread(slack: Playground, client: AsyncWebClient, open_page: Open) -> None:
    root = slack.post_message("wildlife", "look at this", user=KIM)
    await client.files_upload_v2(content=GIF, filename="a.gif", alt_txt="a fox", channel=WILDLIFE, thread_ts=root.ts)
    page = await open_page()
    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_role("button", name="Show larger: a fox").click()
    await page.get_by_role("dialog").wait_for()
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog").wait_for(state="detached")
    assert await thread.is_visible()
    assert await page.evaluate("document.activeElement.ariaLabel") == "Show larger: a fox"
    await page.keyboard.press("Escape")
    await thread.wait_for(state="hidden")


async def test_an_answer_to_a_command_is_in_sight(slack: Playground, app: ListeningApp, open_page: Open) -> None:
    for number in range(40):
        slack.post_message("wildlife", f"message {number}", user=KIM)
    app.answer = lambda heard: web.Response(text="Nothing runs.")
    page = await open_page()
    await page.locator(".main .scroller").evaluate("(each) => { each.scrollTop = 0; }")
    await page.locator(".message", has_text="message 0").first.wait_for()
    await until(page, "document.querySelector('.main .scroller').scrollTop === 0")
    await page.locator("#composer-main").fill("/track status")
    await page.keyboard.press("Enter")
    await page.locator(".message.ephemeral").wait_for()
    inside = "(each) => each.getBoundingClientRect().bottom <= each.closest('.scroller').getBoundingClientRect().bottom"
    assert await page.locator(".message.ephemeral").evaluate(inside)


async def test_buttons_do_not_lie_over_pictures_where_nothing_hovers(
    slack: Playground, client: AsyncWebClient, open_page: Open
) -> None:
    for number in range(2):
        await client.files_upload_v2(content=_picture(800, 300), filename="a.png", alt_txt=f"a fox, {number}", channel=WILDLIFE)
    page = await open_page(width=390, height=844, touch=True)
    await page.locator(".picture-file").nth(1).wait_for()
    overlaps = """() => [...document.querySelectorAll('.tools button')].filter((each) => {
      if (!each.checkVisibility()) return false;
      const a = each.getBoundingClientRect();
      return [...document.querySelectorAll('.picture, video')].some((other) => {
        const b = other.getBoundingClientRect();
        return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
      });
    }).length"""
    assert await page.locator(".tools button").first.is_visible()
    assert await page.evaluate(overlaps) == 0
    await page.locator(".message.grouped").evaluate("(each) => each.focus()")
    assert await page.locator(".message.grouped .tools button").first.is_visible()
    assert await page.evaluate(overlaps) == 0


async def test_a_thread_fills_while_one_watches(slack: Playground, client: AsyncWebClient, open_page: Open) -> None:
    root = slack.post_message("wildlife", "look at this", user=KIM)
    posted = await client.chat_postMessage(
        channel=WILDLIFE, text="10 %", thread_ts=root.ts, blocks=[section("Tracking 10 %"), CANCEL]
    )
    page = await open_page()
    await page.get_by_role("button", name="1 reply").click()
    thread = page.get_by_role("complementary", name="Thread")
    await thread.get_by_text("Tracking 10 %").wait_for()
    await thread.get_by_role("button", name="Cancel").focus()

    await client.chat_update(channel=WILDLIFE, ts=posted["ts"], text="60 %", blocks=[section("Tracking 60 %"), CANCEL])
    await thread.get_by_text("Tracking 60 %").wait_for()
    assert await thread.get_by_text("Tracking 10 %").count() == 0
    assert await page.evaluate("document.activeElement.dataset.actionId") == "cancel"

    await client.files_upload_v2(
        file_uploads=[
            {"content": GIF, "filename": f"{n}.gif", "title": f"fox {n}", "alt_txt": f"a fox, {n}"} for n in range(3)
        ],
        channel=WILDLIFE,
        thread_ts=root.ts,
        initial_comment="All of them",
    )
    pictures = thread.locator(".picture-file img")
    await pictures.nth(2).wait_for()
    assert await pictures.evaluate_all("all => all.map(each => each.alt)") == ["a fox, 0", "a fox, 1", "a fox, 2"]
    await until(page, "[...document.querySelectorAll('.thread .picture-file img')].every(each => each.naturalWidth === 64)")
    await page.get_by_role("button", name="2 replies").wait_for()

    await page.keyboard.press("Escape")
    await thread.wait_for(state="hidden")


async def test_a_dangerous_button_asks_first_and_escape_means_no(
    slack: Playground, app: ListeningApp, client: AsyncWebClient, open_page: Open
) -> None:
    await client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[CANCEL])
    await slack.settled()
    page = await open_page()
    button = page.get_by_role("button", name="Cancel", exact=True)
    await button.click()
    await page.get_by_role("dialog", name="Cancel this job?").wait_for()
    await page.keyboard.press("Escape")
    assert [heard.kind for heard in app.heard].count("block_actions") == 0
    assert await page.evaluate("document.activeElement.dataset.actionId") == "cancel"

    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Yes, cancel").click()
    await slack.until(lambda: [heard for heard in app.heard if heard.kind == "block_actions"])
    assert app.heard[-1].body["actions"][0]["value"] == "j1"


async def test_a_modal_is_filled_in_refused_and_sent(
    slack: Playground, app: ListeningApp, client: AsyncWebClient, open_page: Open
) -> None:
    view = {
        "type": "modal", "title": plain("Track a video"), "submit": plain("Track"),
        "blocks": [
            {"type": "input", "block_id": "source", "label": plain("Link"),
             "element": {"type": "url_text_input", "action_id": "link"}},
            {"type": "input", "block_id": "labels", "optional": True, "label": plain("Only"), "element": {
                "type": "checkboxes", "action_id": "labels", "options": [{"text": plain("People"), "value": "person"}]}},
        ],
    }  # fmt: skip
    page = await open_page()
    await page.get_by_role("button", name="Shortcuts").click()
    await page.get_by_role("menuitem", name="Track a video").click()
    await slack.until(lambda: app.heard)
    await client.views_open(trigger_id=app.heard[-1].body["trigger_id"], view=view)

    dialog = page.get_by_role("dialog", name="Track a video")
    await dialog.get_by_role("button", name="Track").click()
    await dialog.get_by_text("Please complete this required field.").wait_for()
    assert await page.evaluate("document.activeElement.dataset.actionId") == "link"
    await page.keyboard.type("https://example.org/fox.mp4")
    await dialog.get_by_text("People").click()
    await page.get_by_label("Link").press("Enter")
    await dialog.wait_for(state="detached")
    values = app.heard[-1].body["view"]["state"]["values"]
    assert values["source"]["link"]["value"] == "https://example.org/fox.mp4"
    assert [option["value"] for option in values["labels"]["labels"]["selected_options"]] == ["person"]


async def test_the_apps_home_is_shown_once_it_is_published(
    slack: Playground, client: AsyncWebClient, app: ListeningApp, open_page: Open
) -> None:
    page = await open_page(f"/#/{DIRECT}")
    await page.get_by_role("link", name="Home").click()
    await page.get_by_text("has put nothing here yet").wait_for()
    await slack.until(lambda: [event for event in app.events("app_home_opened") if event["tab"] == "home"])
    await client.views_publish(user_id=YOU, view={"type": "home", "blocks": [section("*Your jobs*")]})
    await page.get_by_text("Your jobs").wait_for()


async def test_messages_elsewhere_are_counted_and_read_out(slack: Playground, open_page: Open) -> None:
    page = await open_page()
    slack.post_message("general", "The *ridge* camera is back", user=KIM)

    await page.get_by_role("link", name="general 1 unread").wait_for()
    read_out = "Kim Lindqvist in #general: The ridge camera is back"
    await until(page, f"document.getElementById('live').textContent === '{read_out}'")
    await page.get_by_role("link", name="general").click()
    await page.get_by_text("camera is back").last.wait_for()
    await until(page, "document.querySelectorAll('.unread-count').length === 0")


async def test_a_lost_connection_comes_back_with_all_that_was_missed(slack: Playground, open_page: Open) -> None:
    page = await open_page()
    await slack.break_connections()
    slack.post_message("wildlife", "while you were away", user=KIM)
    await page.get_by_text("Connection lost").wait_for()
    await page.locator(".message", has_text="while you were away").wait_for()
    await page.get_by_text("Connection lost").wait_for(state="hidden")
    slack.post_message("wildlife", "and after", user=KIM)
    await page.locator(".message", has_text="and after").wait_for()


async def test_the_app_is_invited_by_a_click(slack: Playground, open_page: Open) -> None:
    page = await open_page(f"/#/{QUIET}")
    await page.get_by_role("button", name="Invite Tracklet").click()
    await page.locator(".message", has_text="@Tracklet has joined the channel").wait_for()
    assert await page.locator(".invite").count() == 0


async def test_arrow_keys_go_through_messages_and_enter_opens_the_thread(slack: Playground, open_page: Open) -> None:
    for text in ("first", "second", "third"):
        slack.post_message("wildlife", text, user=KIM)
    page = await open_page()
    await page.locator(".main .messages").focus()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    assert "second" in await page.evaluate("document.activeElement.innerText")
    await page.keyboard.press("Enter")
    await page.get_by_role("complementary", name="Thread").get_by_text("second").wait_for()
    assert await page.evaluate("document.activeElement.id") == "composer-thread"
    await page.keyboard.type("a reply")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="1 reply").wait_for()
    await page.keyboard.press("Escape")
    assert "second" in await page.evaluate("document.activeElement.innerText")


@pytest.mark.parametrize("width", [390, 320])
async def test_everything_fits_a_phone(slack: Playground, client: AsyncWebClient, open_page: Open, width: int) -> None:
    root = slack.post_message("wildlife", "a-very-long-word-" * 12, user=KIM)
    await client.chat_postMessage(
        channel=WILDLIFE, text="x", thread_ts=root.ts, blocks=[section("`" + "x" * 300 + "`"), CANCEL]
    )
    page = await open_page(width=width, height=844, touch=True)
    fits = f"""document.scrollingElement.scrollWidth <= {width}
      && [...document.querySelectorAll('.scroller')].every((each) => each.scrollWidth <= each.clientWidth)"""
    assert await page.evaluate(fits)
    await page.get_by_role("button", name="1 reply").click()
    await page.get_by_role("complementary", name="Thread").get_by_role("button", name="Cancel").wait_for()
    assert await page.evaluate(fits)
    await page.get_by_role("button", name="Back").click()
    await page.set_input_files("main input[type=file]", clips(*(f"{'long' * 20}{number}.mp4" for number in range(10))))
    await page.locator(".attachment").nth(9).wait_for()
    assert await page.evaluate(fits)
    await page.get_by_role("button", name="Send").first.click()
    await page.locator(".main video").nth(9).wait_for()
    assert await page.evaluate(fits)
    await page.get_by_role("button", name="Channels").click()
    await page.get_by_role("link", name="general").click()
    await page.get_by_role("heading", name="general").first.wait_for()
    assert await page.evaluate(fits)


async def test_a_permalink_opens_its_thread(slack: Playground, open_page: Open) -> None:
    root = slack.post_message("general", "root", user=KIM)
    reply = slack.post_message("general", "the reply", thread_ts=root.ts, user=KIM)
    page = await open_page(slack.workspace.permalink(root.channel_id, reply.ts).removeprefix(slack.url))
    await page.get_by_role("complementary", name="Thread").get_by_text("the reply").wait_for()


async def test_both_themes_have_enough_contrast(slack: Playground, client: AsyncWebClient, open_page: Open) -> None:
    await client.chat_postMessage(
        channel=WILDLIFE, text="x", blocks=[section("*bold* `code` <https://example.org|link>"), CANCEL]
    )
    for scheme in ("light", "dark"):
        page = await open_page(color_scheme=scheme)
        await page.locator(".message code").wait_for()
        await page.evaluate("document.querySelector('.lost').hidden = false")
        poor = await page.evaluate(CONTRAST)
        assert poor == [], (scheme, poor)


# Texts whose contrast with what lies behind them is below 4.5 : 1 (WCAG 2.2, 1.4.3).
CONTRAST = """() => {
  const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number); return { r, g, b, a }; };
  const light = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const color = parse(getComputedStyle(each).backgroundColor);
      if (color.a > 0.99) return color;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const poor = [];
  for (const element of document.querySelectorAll('#app *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest('.visually-hidden, :disabled')) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push(`${element.className}: ${element.textContent.trim().slice(0, 30)}`);
  }
  return poor;
}"""


GROWTH = """
async (attacks) => {
  const { mrkdwn, summary, plain } = await import('/static/mrkdwn.js');
  const names = { user: () => undefined, channel: () => undefined };
  const took = (work, text) => {
    let best = Infinity;
    for (let turn = 0; turn < 7; turn += 1) {
      const begun = performance.now();
      work(text);
      best = Math.min(best, performance.now() - begun);
    }
    return best;
  };
  const slow = [];
  for (const attack of attacks) {
    for (const work of [(text) => mrkdwn(text, names), (text) => summary(text, names), (text) => plain(text)]) {
      const [long, short] = [16000, 2000].map((length) => took(work, attack.repeat(length / attack.length)));
      const growth = long / Math.max(short, 2);
      if (growth > 24) slow.push([attack, growth]);
    }
  }
  return slow;
}
"""


async def test_the_page_shows_hostile_text_in_linear_time(slack: Playground, open_page: Open) -> None:
    page = await open_page()
    attacks = ["<@a", "<a|", "<@a|", "*a", "*a ", "_a", "~a", "`", "``` ", ":a", "&", "&gt;\n", "**", "\n", " *", "*_~a"]
    assert await page.evaluate(GROWTH, attacks) == []
