"""Input transforms in front of a model."""
