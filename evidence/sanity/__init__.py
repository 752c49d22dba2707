"""Does the method find knowledge where there can be none?"""
