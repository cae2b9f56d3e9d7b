"""The headers of a parked record, and of one that comes back."""

GROUP = "rengang-group"
"""The consumer group that could not handle it, and to which alone a replay goes."""

REASON = "rengang-reason"
"""Why it was parked, for people."""

ORIGIN = "rengang-origin"
"""Where it stood first: topic/partition/offset."""

PARKED_AT = "rengang-parked-at"
"""When, RFC 3339."""

REPLAYED = "rengang-replayed"
"""On a record that comes back: its place in the dead topic, partition/offset."""
