"""Offer ids as Redis keeps them: exactly, evenly, in few bytes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pailitao_spider.cluster.redis.local_server import LocalServer
from pailitao_spider.cluster.shared.dedup import id_shard
from pailitao_spider.cluster.worker.messages import Ack
from tests.exchanges import Exchanges, Talker, url_seed

DIGITS = st.text("0123456789", max_size=20)
NUMBERS = st.integers(0, 2**50).map(str)
IDS = DIGITS | NUMBERS | st.text(max_size=5)
INVERSE = pow(0x9E3779B97F4B, -1, 1 << 48)


def id_of(bucket: str, member: str | int) -> str:
    """What stands in the sets, back to an offer id."""
    if isinstance(member, str):
        assert bucket == "x"
        return member
    assert -(2**31) <= member < 2**31
    assert 0 <= int(bucket) < 2**16
    return str(((int(bucket) << 32) + member + 2**31) * INVERSE % 2**48)


@given(IDS)
@example("0")
@example("00")
@example(str(2**48 - 1))
@example(str(2**48))
@example("٣")
@example("-1")
def test_a_bucket_and_a_member_stand_for_exactly_one_id(num_iid: str) -> None:
    assert id_of(*id_shard(num_iid)) == num_iid


@pytest.mark.parametrize(
    "ids",
    [range(600_000_000_000, 600_000_200_000), range(0, 200_000 * 65_536, 65_536),
     range(10**12 - 200_000 * 1_000, 10**12, 1_000)],
    ids=["in-a-row", "65536-apart", "1000-apart"],
)  # fmt: skip
def test_buckets_fill_evenly_however_ids_cluster(ids: range) -> None:
    sizes = Counter(id_shard(str(number))[0] for number in ids)
    assert max(sizes.values()) <= 16, "three on the average"


@pytest.mark.soak
def test_ten_million_ids_take_ten_bytes_each(redis_server: LocalServer) -> None:
    redis, number = Exchanges(redis_server), 10_000_000
    drawn = np.random.default_rng(1).integers(10**11, 10**12, number + 200_000)
    ids = np.unique(drawn)[:number]
    np.random.default_rng(2).shuffle(ids)
    worker = Talker(redis, "w")
    worker.admit(url_seed("a", "https://sandbox.invalid/1.jpg"))
    before = redis.client.info("memory")["used_memory"]
    for chunk in np.split(ids, 500):
        offers = [part for num_iid in chunk for part in id_shard(str(num_iid))]
        worker.say(acks=[Ack("a", 1, 0, rows=20, total=40, offers=offers)])
    used = redis.client.info("memory")["used_memory"] - before

    print(f"{used / number:.2f} bytes an id")
    assert redis.client.eval(_CARDINALITY, 0) == number
    redis.close()
    assert used / number <= 10


_CARDINALITY = """
local number = 0
for _, key in ipairs(redis.call('KEYS', '*:ids:*')) do
  number = number + redis.call('SCARD', key)
end
return number
"""
