"""The archive's named SQL files."""
