import pytest

from cotfactory.rewards.admission import MOST_IN_BATCH, Admission
from cotfactory.rewards.refusal import Refusal


def test_who_comes_when_it_is_full_is_told_to_come_again() -> None:
    admission = Admission(most=100)
    with admission.admitted(60):
        with admission.admitted(40):
            assert admission.in_flight == 100
            with pytest.raises(Refusal) as refused, admission.admitted(1):
                pytest.fail("it is full")
            assert (refused.value.status, refused.value.retry_after_s) == (429, 1)
        with admission.admitted(1):
            pass
    assert admission.in_flight == 0


def test_places_are_given_back_after_an_error() -> None:
    admission = Admission(most=1)
    with pytest.raises(RuntimeError), admission.admitted(1):
        raise RuntimeError
    assert admission.in_flight == 0


def test_a_batch_that_would_never_fit_beside_others_goes_alone_and_one_too_large_never() -> None:
    admission = Admission(most=10)
    with admission.admitted(20):
        pass
    with pytest.raises(Refusal) as refused, admission.admitted(MOST_IN_BATCH + 1):
        pytest.fail("it is too large")
    assert (refused.value.status, refused.value.retry_after_s) == (413, None)
