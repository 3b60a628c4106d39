"""The questions about scheduling, one named file each."""
