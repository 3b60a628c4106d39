"""The fold: from a batch of the log's entries to rows of the projection, exactly once."""
