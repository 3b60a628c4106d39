"""Delivering triggers to what is not ours: webhooks, other orchestrators, streams. Nodes do it themselves."""
