"""The narrow queries that raw limits are taken with."""
