"""Model loaders: a name to a `robustkit.Model`."""
