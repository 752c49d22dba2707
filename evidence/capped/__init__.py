"""Does the network depend on the regions that are ranked as important, where images stay what it knows?"""
