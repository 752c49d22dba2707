"""Training a network, or a student of one, with resumable checkpoints."""
