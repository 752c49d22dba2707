"""How does the sample embedding compare with other projections?"""
