"""Does a layer say the same when it is fitted again?"""
