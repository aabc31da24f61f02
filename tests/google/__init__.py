"""Servers of ours that speak Google's protocols on loopback, for Google's own client libraries."""
