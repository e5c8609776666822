"""Build the sandbox image, and say what it is."""

from cotfactory.graders.sandbox.image import Target, build_image
from cotfactory.schemas.record import Record


class BuiltImage(Record):
    """The image that was built; its digest is in the evidence of every grade made with it."""

    tag: str
    digest: str

    def text(self) -> str:
        """Return the image for people."""
        return f"built {self.tag}: {self.digest}"


def build_sandbox(base: str | None, tag: str, target: Target = "python") -> BuiltImage:
    """Build the image that programs run in, on another base image if one is named; raises SandboxError."""
    return BuiltImage(tag=tag, digest=build_image(base, tag, target))
