"""Everything is broken at random while people share videos, and in the end nothing may be lost, doubled or left over."""
