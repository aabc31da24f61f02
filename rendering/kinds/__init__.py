"""The kinds of pictures that can be made of a video: one per module, which registers itself in `base.KINDS`."""
