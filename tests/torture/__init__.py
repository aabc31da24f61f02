"""Many clips made by script, over containers, codecs, groups of pictures and rates: each pass gives what a full decode gives."""
