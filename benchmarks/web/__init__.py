"""The window in a browser: how soon it is there, what it weighs, what it costs, how it bears much."""
