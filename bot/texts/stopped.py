"""What is said when somebody stops a command; alone here, since it must be at hand before anything is loaded."""

STOPPED = "Cancelled. Nothing more will be done, and nothing half-made is left."
