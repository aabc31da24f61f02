"""Every sentence that a person reads, as a function of its facts."""
