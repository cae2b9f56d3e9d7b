"""The services of the labour market, one package each, and the kit they share.

Services never import one another; what they say to each other is in `contracts`.
"""
