"""One of each thing by which Tracklet is extended, as docs/extending.md shows them; `test_extending.py` runs them."""
