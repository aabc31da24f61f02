"""Durable jobs: what was asked, how far it is, and the workflow that brings it to its end."""
