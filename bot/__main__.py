"""`python -m bot` is `tracklet`."""

from bot.cli.commands import main

main()
