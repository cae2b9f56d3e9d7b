"""`python -m services.matcher.warm`: what a matcher needs is compiled and kept, once.

Ahead of several processes that would all compile the same.
"""

from services.matcher.domain.base_model import base_model
from services.matcher.index.warming import warm_up

if __name__ == "__main__":
    warm_up(base_model())
