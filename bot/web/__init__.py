"""The HTTP routes that are not Slack's: health, and the triggers of storage."""
