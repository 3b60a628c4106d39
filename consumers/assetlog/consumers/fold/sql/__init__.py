"""The fold's own statements."""
