"""A video file becomes upright frames with their times."""

from tracking.video.file import Frame, Limits, Video, VideoInfo, probe

__all__ = ["Frame", "Limits", "Video", "VideoInfo", "probe"]
