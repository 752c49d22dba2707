"""Does a planted shortcut show?"""
