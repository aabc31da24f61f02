"""One object as an animated picture."""
