"""A link, an upload or a path becomes a local file."""
