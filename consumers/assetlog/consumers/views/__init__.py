"""Views: named SQL files, each "X as of position $p", and the reader that turns their rows into answers."""
