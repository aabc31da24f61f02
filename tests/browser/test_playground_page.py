"""
The playground's page in a real browser: the system's Chromium, driven by Playwright. Any console error or failed request fails.

A scripted app stands for the bot: it talks to the workspace through the real Web API, so that what is tested here is the page
alone.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from PIL import Image
from slack_sdk.web.async_client import AsyncWebClient

from playground import DIRECT, KIM, QUIET, WILDLIFE, YOU, Playground, Processing
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


async def test_a_dropped_video_is_uploaded_with_progress_and_shown(slack: Playground, open_page: Open, tmp_path: Path) -> None:
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
    assert "Drop it into #wildlife" in await page.evaluate("window.veil")
    await page.locator(".file-name", has_text="my fox.webm").wait_for()
    assert slack.messages("wildlife")[0].files[0]["size"] == 300_000

    await page.set_input_files("main input[type=file]", video)
    player = page.locator("video[aria-label='Video: horses.mp4']")
    await player.wait_for()
    await until(page, "[...document.querySelectorAll('video')].at(-1).videoWidth === 720")
    assert slack.messages("wildlife")[1].files[0]["size"] == video.stat().st_size
    assert await page.locator(".uploading").count() == 0


async def test_the_sample_clip_is_one_click_away(slack: Playground, app: ListeningApp, open_page: Open) -> None:
    slack.samples["sample clip.mp4"] = shared_data("videos/horses.mp4")
    page = await open_page()
    await page.get_by_role("button", name="Try the sample clip").click()
    await page.locator("video").wait_for()

    await slack.settled()
    assert [event["channel_id"] for event in app.events("file_shared")] == [WILDLIFE]


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
    def plain(text: str) -> dict[str, str]:
        return {"type": "plain_text", "text": text}

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


async def test_everything_fits_a_phone(slack: Playground, client: AsyncWebClient, open_page: Open) -> None:
    root = slack.post_message("wildlife", "a-very-long-word-" * 12, user=KIM)
    await client.chat_postMessage(
        channel=WILDLIFE, text="x", thread_ts=root.ts, blocks=[section("`" + "x" * 300 + "`"), CANCEL]
    )
    page = await open_page(width=390, height=844, touch=True)
    fits = """document.scrollingElement.scrollWidth <= 390
      && [...document.querySelectorAll('.scroller')].every((each) => each.scrollWidth <= each.clientWidth)"""
    assert await page.evaluate(fits)
    await page.get_by_role("button", name="1 reply").click()
    await page.get_by_role("complementary", name="Thread").get_by_role("button", name="Cancel").wait_for()
    assert await page.evaluate(fits)
    await page.get_by_role("button", name="Back").click()
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
    for (let turn = 0; turn < 3; turn += 1) {
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
