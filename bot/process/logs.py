"""
What `tracklet serve` writes to its log: lines with the time, and nobody's message in them.

Libraries tell of their own life, and some of them, when asked for more, quote what people wrote or addresses that are secrets
while they work; so each has the level at which it is of use to who runs Tracklet. `--verbose` is for our own packages.
"""

from __future__ import annotations

import logging
import time

OURS = ("bot", "rendering", "tracking")
LIBRARIES = {
    "slack_bolt": logging.ERROR,  # below that it logs whole requests, and warns of the token in the environment
    "slack_sdk": logging.WARNING,  # below that calls with their arguments
    "slack_sdk.socket_mode": logging.CRITICAL,  # its errors hold addresses; `app.py` tells when the connection is gone
    "dbos": logging.WARNING,
    "alembic": logging.WARNING,
    "aiohttp": logging.WARNING,
    "asyncio": logging.WARNING,
    "urllib3": logging.WARNING,
    "google": logging.WARNING,
}


def log_for_operators(*, verbose: bool) -> None:
    """Begin each line of the log with the time, in UTC, and log what happens from now on; with `verbose` more of our own."""
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    for handler in root.handlers:
        handler.setFormatter(formatter)
    for name, level in LIBRARIES.items():
        logging.getLogger(name).setLevel(level)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)
