"""Recordings made by script, over containers, codecs, orders and rates: each pass gives what a full decode gives."""
