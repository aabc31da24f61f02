"""The command line: `tracklet ...`."""

from bot.cli.commands import main

__all__ = ["main"]
