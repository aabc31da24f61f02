"""`python -m bot` is `tracklet`."""

from bot.cli import main

main()
