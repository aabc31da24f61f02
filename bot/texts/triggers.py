"""What the triggers answer."""

from __future__ import annotations


def triggers_closed() -> str:
    """For a caller from elsewhere while no kind of token is configured."""
    return (
        "Without a token, triggers are answered to programs on this machine alone, and only where the bot listens on loopback, "
        "has no public address and gets nothing from Slack over HTTP: a proxy or a tunnel would speak for anybody. Set "
        "TRACKLET_TRIGGER_TOKEN, or TRACKLET_OIDC_AUDIENCE with TRACKLET_OIDC_SERVICE_ACCOUNT, and send the token as a bearer."
    )


def no_storage_event(problem: str) -> str:
    """For a body that is neither a CloudEvent nor a Pub/Sub push about an object."""
    return f"This is no storage event: {problem}."


def video_uri_wanted() -> str:
    """For `GET /track` without a video."""
    return 'Please specify a "video_uri" parameter, such as /track?video_uri=gs://bucket/clip.mp4.'
