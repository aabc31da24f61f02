"""The buttons below messages about a job: one per module, which registers itself in `base.BUTTONS`."""
