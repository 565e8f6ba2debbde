"""Data loaders: a name to labelled images, read on demand."""
