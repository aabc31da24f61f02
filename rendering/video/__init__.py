"""The whole video once more, with what was found drawn into it."""
