"""Neighbouring counties: pairs known from the map, and what holds for every county."""

from csv import reader
from importlib.resources import files
from itertools import pairwise
from statistics import mean

import pytest

from contracts.vocabulary.counties import is_county, places, prefecture_of
from contracts.vocabulary.neighbours import neighbours_of

COUNTIES = [place.code for place in places() if is_county(place.code)]


def _rows() -> list[list[str]]:
    table = files("contracts.vocabulary") / "neighbours.tsv"
    return list(reader(table.read_text(encoding="utf-8").splitlines(), delimiter="\t"))


@pytest.mark.parametrize(
    ("county", "neighbours"),
    [
        # 五华: 盘龙 官渡 西山 富民; the four districts of Kunming meet at one corner.
        ("530102", {"530103", "530111", "530112", "530124"}),
        # 安宁: 西山 晋宁 易门 禄丰, two of them in other prefectures.
        ("530181", {"530112", "530115", "530425", "532302"}),
        # 麒麟: 沾益 马龙 陆良 罗平 富源.
        ("530302", {"530303", "530304", "530322", "530324", "530325"}),
        # 红塔: 晋宁 江川 通海 峨山.
        ("530402", {"530115", "530403", "530423", "530426"}),
        # 楚雄: 禄丰 双柏 牟定 南华.
        ("532301", {"532302", "532322", "532323", "532324"}),
        # 弥勒: 宜良 石林 华宁 开远 建水 泸西.
        ("532504", {"530125", "530126", "530424", "532502", "532524", "532527"}),
        # 东川: 禄劝 寻甸 会泽.
        ("530113", {"530128", "530129", "530326"}),
    ],
)
def test_neighbours_are_those_on_the_map(county: str, neighbours: set[str]) -> None:
    assert neighbours_of(county) == neighbours


@pytest.mark.parametrize(
    ("county", "other"),
    [
        ("530102", "530302"),  # 五华, 麒麟
        ("530102", "530114"),  # 五华, 呈贡: 官渡 lies between
        ("530111", "530181"),  # 官渡, 安宁: 4 km of 西山 between
        ("530126", "530323"),  # 石林, 师宗: 3 km of 陆良 and 泸西 between
        ("532525", "532528"),  # 石屏, 元阳: 300 m apart, the nearest that do not touch
        ("532327", "532532"),  # 永仁, 河口: across the region
    ],
)
def test_counties_apart_are_no_neighbours(county: str, other: str) -> None:
    assert other not in neighbours_of(county)


def test_neighbours_are_mutual_and_never_itself() -> None:
    for county in COUNTIES:
        assert county not in neighbours_of(county)
        assert all(county in neighbours_of(neighbour) for neighbour in neighbours_of(county))


def test_every_county_has_neighbours_in_the_region() -> None:
    for county in COUNTIES:
        assert neighbours_of(county), county
        assert all(is_county(neighbour) for neighbour in neighbours_of(county))


def test_a_map_of_the_region_has_about_five_neighbours_a_county() -> None:
    # A plane map of n counties has at most 3n - 6 borders; the corner of Kunming adds one.
    numbers = [len(neighbours_of(county)) for county in COUNTIES]
    assert 4.5 < mean(numbers) < 6
    assert max(numbers) < 10
    assert sum(numbers) / 2 <= 3 * len(COUNTIES) - 6 + 1


def test_every_county_can_be_reached_from_kunming_by_neighbours() -> None:
    reached: set[str] = set()
    edge = {"530102"}
    while edge:
        reached |= edge
        edge = {near for county in edge for near in neighbours_of(county)} - reached
    assert reached == set(COUNTIES)


def test_prefectures_touch_across_their_borders() -> None:
    touching = {
        (prefecture_of(county), prefecture_of(near))
        for county in COUNTIES
        for near in neighbours_of(county)
    }
    assert {("530100", other) for other in ("530300", "530400", "532300", "532500")} <= touching
    assert ("530300", "532300") not in touching


@pytest.mark.parametrize("code", ["530100", "532500", "530122", "110101", "", "昆明"])
def test_what_is_no_county_of_the_region_has_no_neighbours(code: str) -> None:
    assert neighbours_of(code) == frozenset()


def test_the_table_holds_each_pair_once_lower_code_first_in_order() -> None:
    header, *pairs = _rows()
    assert header == ["county", "neighbour"]
    assert len(pairs) == 139
    assert all(county < neighbour for county, neighbour in pairs)
    assert all(pair < following for pair, following in pairwise(pairs))
