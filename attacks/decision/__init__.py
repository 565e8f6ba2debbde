"""Decision-based attacks: they use only the predicted class."""
