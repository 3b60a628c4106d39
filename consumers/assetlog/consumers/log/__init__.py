"""The log: its server, appending to it, reading from it, and knowing that it is still the same log."""
