"""What is missing for the bot to run, and what to do about it: `tracklet doctor`."""
