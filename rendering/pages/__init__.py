"""Pictures of all objects: the summary, and the comparison of two engines."""
