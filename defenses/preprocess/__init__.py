"""Preprocessors: input transforms in front of a model."""
