"""A whole Tracklet on one machine, as processes of its own: for trying it (`make cluster`), for chaos and for load."""
