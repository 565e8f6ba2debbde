"""Score-based attacks: they use logits but no gradients."""
