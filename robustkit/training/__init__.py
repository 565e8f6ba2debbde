"""The training loop behind train, finetune and harden."""
