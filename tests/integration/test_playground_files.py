"""Files of the playground: the v2 upload flow as Slack has it, with its delay, and downloads with a bearer token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from playground import BOT_SCOPES, BOT_USER, DIRECT, QUIET, WILDLIFE, Playground, Processing

GIF = b"GIF89a\x02\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00,\x00\x00\x00\x00\x02\x00\x01\x00\x00\x02\x02D\n\x00;"
MP4 = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + b"\x00" * 5000


@pytest.fixture
async def slack() -> AsyncIterator[Playground]:
    async with Playground(processing=Processing(seconds=0)) as playground:
        yield playground


@pytest.fixture
def client(slack: Playground) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)


async def uploaded(slack: Playground, client: AsyncWebClient, content: bytes, name: str, **more: Any) -> str:
    """The id of a file whose bytes are there, not yet completed."""
    given = await client.files_getUploadURLExternal(filename=name, length=len(content), **more)
    async with aiohttp.ClientSession() as session, session.post(given["upload_url"], data=content) as response:
        assert response.status == 200
    return str(given["file_id"])


class TestUploads:
    async def test_several_files_make_one_message_with_its_comment(self, slack: Playground, client: AsyncWebClient) -> None:
        root = slack.post_message("wildlife", "root")
        answer = await client.files_upload_v2(
            file_uploads=[{"content": GIF, "filename": "a.gif", "alt_txt": "a fox"}, {"content": GIF, "filename": "b.gif"}],
            channel=WILDLIFE,
            thread_ts=root.ts,
            initial_comment="both",
        )

        assert set(answer["files"][0]) == {"id", "title"}
        (message,) = slack.thread("wildlife", root.ts)[1:]
        assert message.text == "both"
        assert message.file_ids == [file["id"] for file in answer["files"]]
        assert message.files[0]["alt_txt"] == "a fox"
        assert message.files[0]["mimetype"] == "image/gif"

    async def test_a_file_is_told_of_only_when_it_has_been_processed(self) -> None:
        async with Playground(processing=Processing(seconds=0, polls=2)) as slack:
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
            answer = await client.files_upload_v2(content=GIF, filename="a.gif", channel=WILDLIFE)
            file_id = answer["files"][0]["id"]
            picture = {"type": "image", "alt_text": "a fox", "slack_file": {"id": file_id}}

            with pytest.raises(SlackApiError, match="invalid_blocks"):
                await client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[picture])
            for _ in range(2):
                unready = (await client.files_info(file=file_id))["file"]
                assert (unready["mimetype"], unready["shares"]) == ("", {})
            ready = (await client.files_info(file=file_id))["file"]
            assert ready["mimetype"] == "image/gif"
            (share,) = ready["shares"]["public"][WILDLIFE]
            (message,) = slack.messages("wildlife")
            assert message.ts == share["ts"]
            await client.chat_postMessage(channel=WILDLIFE, text="x", blocks=[picture])

    async def test_readiness_comes_with_time_too(self) -> None:
        async with Playground(processing=Processing(seconds=0.01)) as slack:
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
            await client.files_upload_v2(content=GIF, filename="a.gif", channel=WILDLIFE)
            await slack.until(lambda: slack.messages("wildlife"))

    async def test_without_a_channel_the_file_is_the_bots_alone(self, slack: Playground, client: AsyncWebClient) -> None:
        file_id = await uploaded(slack, client, GIF, "a.gif")
        await client.files_completeUploadExternal(files=[{"id": file_id, "title": "A"}])

        info = (await client.files_info(file=file_id))["file"]
        assert (info["title"], info["shares"], info["user"]) == ("A", {}, BOT_USER)
        assert slack.messages("wildlife") == []

    async def test_an_upload_is_completed_once_and_only_when_its_bytes_are_there(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        given = await client.files_getUploadURLExternal(filename="a.gif", length=len(GIF))
        with pytest.raises(SlackApiError, match="file_not_found"):
            await client.files_completeUploadExternal(files=[{"id": given["file_id"]}], channel_id=WILDLIFE)
        file_id = await uploaded(slack, client, GIF, "a.gif")
        await client.files_completeUploadExternal(files=[{"id": file_id}], channel_id=WILDLIFE)
        with pytest.raises(SlackApiError, match="file_not_found"):
            await client.files_completeUploadExternal(files=[{"id": file_id}], channel_id=WILDLIFE)
        assert len(slack.messages("wildlife")) == 1

    async def test_the_declared_length_must_be_kept_to(self, slack: Playground, client: AsyncWebClient) -> None:
        given = await client.files_getUploadURLExternal(filename="a.gif", length=10)
        async with aiohttp.ClientSession() as session:
            for content in (b"x" * 9, b"x" * 11):
                async with session.post(given["upload_url"], data=content) as response:
                    assert response.status == 400
            async with session.post(given["upload_url"], data=b"x" * 10) as response:
                assert (response.status, await response.text()) == (200, "OK - 10")

    async def test_bytes_may_come_as_a_form(self, slack: Playground, client: AsyncWebClient) -> None:
        given = await client.files_getUploadURLExternal(filename="a.gif", length=len(GIF))
        form = aiohttp.FormData()
        form.add_field("filename", GIF, filename="a.gif")
        async with aiohttp.ClientSession() as session, session.post(given["upload_url"], data=form) as response:
            assert response.status == 200
        await client.files_completeUploadExternal(files=[{"id": given["file_id"]}], channel_id=WILDLIFE)
        assert slack.messages("wildlife")[0].files[0]["size"] == len(GIF)

    async def test_a_length_of_nothing_or_too_much_and_a_long_description_are_refused(self) -> None:
        async with Playground(max_file_bytes=1000) as slack:
            client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
            for error, more in (
                ("missing_argument", {"length": 0}),
                ("file_upload_size_restricted", {"length": 1001}),
                ("alt_txt_too_large", {"length": 10, "alt_txt": "x" * 1001}),
            ):
                with pytest.raises(SlackApiError, match=error):
                    await client.files_getUploadURLExternal(filename="a.gif", **more)

    async def test_an_upload_goes_where_the_bot_is_and_into_a_thread_by_its_root(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        root = slack.post_message("wildlife", "root")
        reply = slack.post_message("wildlife", "reply", thread_ts=root.ts)
        file_id = await uploaded(slack, client, GIF, "a.gif")

        with pytest.raises(SlackApiError, match="invalid_thread_ts"):
            await client.files_completeUploadExternal(files=[{"id": file_id}], channel_id=WILDLIFE, thread_ts=reply.ts)
        with pytest.raises(SlackApiError, match="not_in_channel"):
            await client.files_completeUploadExternal(files=[{"id": file_id}], channel_id=QUIET)
        await client.files_completeUploadExternal(files=[{"id": file_id}], channel_id=DIRECT)
        assert "private" in (await client.files_info(file=file_id))["file"]["shares"]

    async def test_a_share_can_be_lost_in_silence(self, slack: Playground, client: AsyncWebClient) -> None:
        slack.faults.lose_shares = 1
        answer = await client.files_upload_v2(content=GIF, filename="a.gif", alt_txt="a", channel=WILDLIFE)

        assert (await client.files_info(file=answer["files"][0]["id"]))["file"]["shares"] == {}
        assert slack.messages("wildlife") == []

    async def test_the_bytes_of_an_upload_meet_faults_as_well(self, slack: Playground, client: AsyncWebClient) -> None:
        slack.faults.server_error("upload")
        given = await client.files_getUploadURLExternal(filename="a.gif", length=len(GIF))
        async with aiohttp.ClientSession() as session:
            async with session.post(given["upload_url"], data=GIF) as response:
                assert response.status == 500
            async with session.post(given["upload_url"], data=GIF) as response:
                assert response.status == 200


class TestDownloads:
    async def test_a_shared_video_is_had_with_the_token_whole_or_in_part(self, slack: Playground) -> None:
        message = await slack.upload_file(MP4, "wildlife", name="Fox & cub.mp4")
        (file,) = message.files
        bearer = {"Authorization": f"Bearer {slack.bot_token}"}

        async with aiohttp.ClientSession() as session:
            async with session.get(file["url_private_download"], headers=bearer) as response:
                assert (response.content_type, await response.read()) == ("video/mp4", MP4)
            async with session.get(file["url_private"], headers=bearer | {"Range": "bytes=4-7"}) as response:
                assert (response.status, await response.read()) == (206, b"ftyp")
            async with session.head(file["url_private"], headers=bearer) as response:
                assert response.headers["Content-Length"] == str(len(MP4))

    async def test_without_the_scope_a_sign_in_page_comes_with_200(self) -> None:
        async with Playground(scopes=BOT_SCOPES - {"files:read"}) as slack, aiohttp.ClientSession() as session:
            message = await slack.upload_file(MP4, "wildlife", name="fox.mp4")
            bearer = {"Authorization": f"Bearer {slack.bot_token}"}
            async with session.get(message.files[0]["url_private"], headers=bearer) as response:
                assert (response.status, response.content_type) == (200, "text/html")

    async def test_without_a_token_one_is_sent_to_sign_in(self, slack: Playground) -> None:
        message = await slack.upload_file(MP4, "wildlife", name="fox.mp4")
        async with aiohttp.ClientSession() as session:
            for headers in ({}, {"Authorization": "Bearer xoxb-other"}):
                async with session.get(message.files[0]["url_private"], headers=headers, allow_redirects=False) as response:
                    assert response.status == 302

    async def test_a_file_shared_where_the_bot_is_not_does_not_exist_for_it(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        message = await slack.upload_file(MP4, "quiet", name="fox.mp4")
        bearer = {"Authorization": f"Bearer {slack.bot_token}"}

        with pytest.raises(SlackApiError, match="file_not_found"):
            await client.files_info(file=message.file_ids[0])
        url = message.files[0]["url_private"]
        async with aiohttp.ClientSession() as session, session.get(url, headers=bearer) as response:
            assert response.status == 404


class TestOddFiles:
    async def test_a_deleted_file_leaves_a_tombstone(self, slack: Playground, client: AsyncWebClient) -> None:
        message = await slack.upload_file(MP4, "wildlife", name="fox.mp4")
        slack.delete_file(message.file_ids[0])

        assert message.files == [{"id": message.file_ids[0], "mode": "tombstone"}]
        with pytest.raises(SlackApiError, match="file_deleted"):
            await client.files_info(file=message.file_ids[0])

    async def test_a_file_from_another_workspace_is_a_stub_until_asked_about(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        message = await slack.upload_file(MP4, "wildlife", name="fox.mp4", connect_stub=True)

        assert message.files[0]["file_access"] == "check_file_info"
        assert "url_private" not in message.files[0]
        info = (await client.files_info(file=message.file_ids[0]))["file"]
        assert (info["name"], info["mimetype"]) == ("fox.mp4", "video/mp4")

    async def test_a_file_beyond_the_age_limit_keeps_nothing_but_its_id(
        self, slack: Playground, client: AsyncWebClient
    ) -> None:
        message = await slack.upload_file(MP4, "wildlife", name="fox.mp4")
        slack.hide_file(message.file_ids[0])

        info = (await client.files_info(file=message.file_ids[0]))["file"]
        assert info == {"id": message.file_ids[0], "mode": "hidden_by_limit"}

    async def test_a_file_on_another_service_points_there(self, slack: Playground, client: AsyncWebClient) -> None:
        message = slack.share_elsewhere("wildlife", "https://drive.example/fox", name="fox.mp4")

        info = (await client.files_info(file=message.file_ids[0]))["file"]
        assert (info["mode"], info["is_external"], info["url_private"]) == ("external", True, "https://drive.example/fox")

    async def test_the_type_of_a_file_is_found_in_its_bytes(self, slack: Playground) -> None:
        message = await slack.upload_file(GIF, "wildlife", name="really.mp4")

        assert message.files[0]["mimetype"] == "image/gif"
        assert (message.files[0]["original_w"], message.files[0]["original_h"]) == (2, 1)

    async def test_only_its_owner_deletes_a_file(self, slack: Playground, client: AsyncWebClient) -> None:
        message = await slack.upload_file(MP4, "wildlife", name="fox.mp4")
        with pytest.raises(SlackApiError, match="cant_delete_file"):
            await client.files_delete(file=message.file_ids[0])
        answer = await client.files_upload_v2(content=GIF, filename="a.gif", channel=WILDLIFE)
        await client.files_delete(file=answer["files"][0]["id"])
        assert slack.messages("wildlife")[1].files[0]["mode"] == "tombstone"
