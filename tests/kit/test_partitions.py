"""Partitions of keys: the same as the producers of the client, and of Java, would choose."""

from random import Random

from aiokafka import partitioner
from hypothesis import given
from hypothesis import strategies as st

from services.kit.partitions import murmur2, partition_of


@given(st.binary(max_size=80))
def test_any_key_has_the_hash_the_client_gives_it(key: bytes) -> None:
    assert murmur2(key) == partitioner.murmur2(key)


@given(st.binary(min_size=1, max_size=40), st.integers(1, 100))
def test_any_key_goes_where_the_client_would_send_it(key: bytes, n_partitions: int) -> None:
    chosen = partitioner.DefaultPartitioner()(key, list(range(n_partitions)), [])
    assert partition_of(key, n_partitions) == chosen


def test_known_hashes() -> None:
    # Source: org.apache.kafka.common.utils.UtilsTest.testMurmur2, as signed 32-bit integers.
    known = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        b"abc": 479470107,
    }
    assert {key: murmur2(key) for key in known} == {
        key: signed & 0xFFFFFFFF for key, signed in known.items()
    }


def test_keys_spread_over_all_partitions() -> None:
    draw = Random(1)
    assert {partition_of(draw.randbytes(36), 24) for _ in range(1000)} == set(range(24))
