"""What the triggers answer."""

from __future__ import annotations


def triggers_closed() -> str:
    """For a caller from elsewhere while no kind of token is configured."""
    return (
        "Triggers are answered on this machine alone. Set TRACKLET_TRIGGER_TOKEN, or TRACKLET_OIDC_AUDIENCE with "
        "TRACKLET_OIDC_SERVICE_ACCOUNT, to open them to others."
    )


def no_storage_event(problem: str) -> str:
    """For a body that is neither a CloudEvent nor a Pub/Sub push about an object."""
    return f"This is no storage event: {problem}."


def video_uri_wanted() -> str:
    """For `GET /track` without a video."""
    return 'Please specify a "video_uri" parameter, such as /track?video_uri=gs://bucket/clip.mp4.'
