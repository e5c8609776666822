"""Build the sandbox image, or trust one that is there; either is remembered by its digest."""

from cotfactory.flows.host.known_images import remember_image
from cotfactory.graders.sandbox.image import Target, build_image, digest_of
from cotfactory.schemas.record import Record


class KnownImage(Record):
    """The image that programs run in under a tag; its digest is in the evidence of every grade made with it."""

    tag: str
    digest: str

    def text(self) -> str:
        """Return the image for people."""
        return f"{self.tag} is {self.digest}: another image of that name is refused from now on"


def build_sandbox(base: str | None, tag: str, target: Target = "python") -> KnownImage:
    """Build the image that programs run in, on another base image if one is named; raises SandboxError."""
    return _remembered(tag, build_image(base, tag, target))


def trust_sandbox(tag: str) -> KnownImage:
    """Take the image that a tag names now for the one that programs are to run in; raises SandboxError."""
    return _remembered(tag, digest_of(tag))


def _remembered(tag: str, digest: str) -> KnownImage:
    remember_image(tag, digest)
    return KnownImage(tag=tag, digest=digest)
