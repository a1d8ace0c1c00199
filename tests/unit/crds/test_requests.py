"""Checks that request counts are added and written, and how quantiles are read from the latency histogram."""

from __future__ import annotations

import itertools

import pytest

from modelyard_api.wire.request_counts import LATENCY_BOUNDS, Requests, add, bucket, read, written


def test_the_buckets_are_narrow() -> None:
    assert (LATENCY_BOUNDS[0], LATENCY_BOUNDS[-1]) == (0.0001, 100.0)
    assert max(high / low for low, high in itertools.pairwise(LATENCY_BOUNDS)) < 1.1


def test_they_add_up() -> None:
    one, other = Requests({200: 3, 503: 1}, {4: 4}), Requests({200: 1}, {4: 1, 9: 1})
    whole = add([one, Requests(), other])
    assert whole == Requests({200: 4, 503: 1}, {4: 5, 9: 1})
    assert (whole.total, whole.errors) == (5, 1)
    assert one == Requests({200: 3, 503: 1}, {4: 4}), "the parts are not changed"
    assert read(written(whole)) == whole


def test_errors_are_codes_of_500_and_more() -> None:
    assert Requests({200: 1, 400: 2, 404: 1, 429: 3, 499: 5, 500: 7, 503: 11, 599: 1}).errors == 19


def test_refusals_are_what_the_client_got_as_4xx() -> None:
    assert Requests({200: 1, 400: 2, 404: 1, 429: 3, 499: 5, 500: 7}).refusals == 6


def test_slower_counts_what_is_slower_for_certain() -> None:
    requests = Requests({200: 6}, {bucket(0.01): 3, bucket(0.0101): 2, len(LATENCY_BOUNDS): 1})
    assert requests.slower(0.0) == requests.slower(0.001) == 6
    assert requests.slower(0.01) == 3, "a bound belongs to the bucket below it"
    assert requests.slower(0.0101) == 1, "within a bucket nobody knows"
    assert requests.slower(100.0) == 1
    assert requests.slower(1000.0) == 0, "how far above the last bound nobody knows either"


@pytest.mark.parametrize(("rank", "seconds"), [(0.5, 0.01), (0.95, 0.02), (0.99, 0.2)])
def test_quantiles_are_right_to_a_bucket(rank: float, seconds: float) -> None:
    requests = Requests({200: 100}, {bucket(0.01): 60, bucket(0.02): 36, bucket(0.2): 4})
    quantile = requests.quantile(rank)
    assert quantile is not None
    assert abs(quantile / seconds - 1) < 0.085
    assert Requests().quantile(rank) is None
