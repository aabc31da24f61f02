"""The program as the system sees it: what it logs, and who ends it when it stands still."""
