"""Is the evidence of a layer the same when it is fitted again?"""
