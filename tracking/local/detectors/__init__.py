"""Detectors: one family of networks per module, which registers itself in `base.FAMILIES`."""
