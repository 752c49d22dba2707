"""Does the network depend on the regions that count as evidence for its class?"""
