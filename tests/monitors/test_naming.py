"""The named segment is the one that parted from the rest, whatever its e-value and the weekday."""

from __future__ import annotations

import numpy as np
import pytest

from monitors.naming import Moved, opened, order
from monitors.series import Stream

MONDAY = 20_003 + 4  # days since 1970; 20,003 is a Wednesday
DAYS, LATE, SESSIONS = 25, 5, 300
SEGMENTS = (("", ""), ("topic", "parcel"), ("topic", "invoice"), ("source", "wiki"))


def made(begin: int, fallen: str, hours: int = 24, shared: float = 0.0) -> list[Stream]:
    """Means of a score that falls by .3 in the last days, in `fallen` or ("") everywhere; of all
    sessions .4 are about parcels and .7 have a document of the wiki. Days differ by `shared`."""
    draw, a_day = np.random.default_rng(begin), 24 // hours
    block = np.repeat(np.arange(DAYS * a_day), SESSIONS // a_day)
    topic = np.where(draw.random(len(block)) < 0.4, "parcel", "invoice")
    source = np.where(draw.random(len(block)) < 0.7, "wiki", "mail")
    hit = (block >= (DAYS - LATE) * a_day) & ((topic == fallen) | (source == fallen) | (not fallen))
    value = draw.normal(0.8, 0.2, len(block)) - 0.3 * hit
    value += draw.normal(0, shared, DAYS)[block // a_day] if shared else 0.0
    found = []
    for column, name in SEGMENTS:
        inside = (topic == name) | (source == name) | (not name)
        n = np.bincount(block[inside], minlength=DAYS * a_day)
        mean = np.bincount(block[inside], value[inside], DAYS * a_day) / n
        first = begin * a_day
        found.append(
            Stream("quality", "1", column, name, dict(enumerate(mean.tolist(), first)),
                   dict(enumerate(n.tolist(), first)), hours)
        )  # fmt: skip
    return found


def named(streams: list[Stream], begin: int, rose: tuple[str, ...] = ()) -> list[str]:
    """Order of the segments that rang, the last of them with the greatest e-value."""
    a_day = 24 // streams[0].hours
    onset = (DAYS - LATE) * a_day
    moved = [
        Moved(s, onset, onset + 2 * a_day, s.value in rose, 10.0 + n) for n, s in enumerate(streams)
    ]
    return [each.stream.value for each in order(moved, streams, begin * 24)]


@pytest.mark.parametrize("weekday", range(7))
@pytest.mark.parametrize("hours", [4, 24])
def test_the_segment_that_fell_is_named_on_every_weekday(weekday: int, hours: int) -> None:
    begin = MONDAY + weekday
    assert named(made(begin, "parcel", hours), begin)[0] == "parcel"
    assert named(made(begin, "wiki", hours), begin)[0] == "wiki"
    assert named(made(begin, "", hours), begin)[0] == "", "it fell everywhere"


def test_days_that_differ_for_everybody_do_not_hide_the_segment() -> None:
    streams = made(MONDAY, "parcel", shared=0.2)
    assert named(streams, MONDAY)[0] == "parcel"
    assert named(made(MONDAY, "", shared=0.2), MONDAY)[0] == ""


def test_what_moved_the_other_way_is_behind() -> None:
    assert named(made(MONDAY, "parcel"), MONDAY, rose=("wiki",))[0] == "wiki", "the strongest"
    others = named(made(MONDAY, "parcel")[:3], MONDAY, rose=("parcel",))
    assert others[-1] == "parcel"


def test_a_segment_is_named_once_by_its_strongest_alarm() -> None:
    streams = made(MONDAY, "parcel")
    twice = [Moved(streams[1], 20, 22, False, s) for s in (3.0, 7.0, 5.0)]
    assert [m.strength for m in order(twice, streams, MONDAY * 24)] == [7.0]


def test_shares_of_a_mix_go_by_strength() -> None:
    shares = [Stream("topic_share", "1", "topic", v, {1: 0.5}, {1: 30}) for v in "ab"]
    moved = [Moved(s, 20, 22, s.value == "a", n) for n, s in enumerate(shares, 1)]
    assert [m.stream.value for m in order(moved, shares, 0)] == ["b", "a"]


def test_a_gap_that_opens_is_measured_against_blocks_of_its_kind() -> None:
    draw = np.random.default_rng(3)
    kind = np.tile([0, 0, 1], 20)
    quiet = draw.normal(0, 0.1, (200, 60)) + 2.0 * kind
    found = opened(quiet, kind, 50)
    assert abs(found.mean()) < 0.2 and found.std() == pytest.approx(1.0, abs=0.2)
    moved = np.where(np.arange(60) >= 50, quiet + 0.2, quiet)
    assert opened(moved, kind, 50).mean() == pytest.approx(
        5.6, abs=0.8
    )  # .2 / .1 sqrt(1/10 + 1/40)
    assert opened(np.full((1, 60), np.nan), kind, 50).tolist() == [0.0]
    assert opened(quiet[:1], kind, 60).tolist() == [0.0]
