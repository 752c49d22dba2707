"""How many dimensions do counts want?"""
