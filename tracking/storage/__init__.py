"""Where videos, annotations and pictures are kept: folders and buckets behind one small interface."""
