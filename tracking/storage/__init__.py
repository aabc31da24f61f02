"""
Where videos, annotations and pictures are kept: folders and buckets behind one small interface.

`base` has the port, `folder` and `bucket` its two kinds, `roots` opens the one that a setting names; `names` says what is kept
under which name, `access` which other buckets may be read. Only `bucket` needs Google's library, which takes a second to load.
"""
