"""By how much may a number be off?"""
