"""What the tests of publishing share: pictures."""

from tests.publishing.pictures import same_picture_once

__all__ = ["same_picture_once"]
