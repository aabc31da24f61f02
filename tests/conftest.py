"""What holds for every test."""

from hypothesis import settings

# A law says nothing about how long an example takes, and a busy machine would fail it.
settings.register_profile("tracklet", deadline=None)
settings.load_profile("tracklet")
