"""What Tracklet says in Slack and what it understands of what Slack sends."""
