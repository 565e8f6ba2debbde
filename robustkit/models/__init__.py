"""Model loaders, which return a `robustkit.Model` for a name."""
