"""Do the knowledge points lie on the object?"""
