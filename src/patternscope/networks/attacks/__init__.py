"""Adversarial attacks in pixel space."""
