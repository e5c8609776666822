"""What the tests of trainers share: one small release of all answer kinds."""

import pytest

from tests.trainers.small_release import SmallRelease, made_release


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> SmallRelease:
    """A release in a workspace that policies are trained on, and roll out into."""
    return made_release(tmp_path_factory.mktemp("trained_on"))
