"""Which objective should the regional embedding be fitted by?"""
