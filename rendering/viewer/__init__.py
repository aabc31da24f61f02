"""A page that plays a video with its tracks, in one file that needs no network."""
