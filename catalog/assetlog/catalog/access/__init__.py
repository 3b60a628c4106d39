"""Access: tokens, who may do what, how often, and below which keys."""
