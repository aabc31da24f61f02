"""
The versions of our tables, and the way from each to the next.

A change of a table in `store.py` comes with a new module in `versions/`, whose `down_revision` is the latest revision; a test
compares the two. DBOS has versions of its own for its tables in the same database, which nothing here touches.
"""
