"""What a person typed, in a command, a mention, a message or a form, becomes a request; no Slack in it."""
