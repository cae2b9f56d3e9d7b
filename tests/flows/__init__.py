"""The whole system, every process real: the main job, and that it survives the death of any part.

What one service does alone is tested in that service's folder.
"""
