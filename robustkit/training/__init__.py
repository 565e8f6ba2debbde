"""Training: train, finetune and harden, and their common loop."""
