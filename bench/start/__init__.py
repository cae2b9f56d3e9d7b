"""How long a matcher's index takes from the store, as at every start of a shard.

How fast it searches afterwards does not live here: `bench.match` measures that.
"""
