"""One module per measure: `measure(stage)` yields its figures."""
