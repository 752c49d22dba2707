"""Does it hold for a network and images that no default was tuned on?"""
