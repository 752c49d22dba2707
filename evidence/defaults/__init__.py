"""What would other values of the settings change?"""
