"""Training a network, or a student of one, with checkpoints that can be resumed."""
