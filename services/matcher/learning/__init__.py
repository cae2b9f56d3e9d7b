"""Learning the weights of a score from what people made of matches: pure, as `domain` is.

Apart from `domain`, since nothing here changes a score of the model in force: what lies in
`domain` is part of the rules, and where those change all stored matches are computed anew.
"""
