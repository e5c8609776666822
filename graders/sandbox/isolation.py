"""What stands between this machine and a program that exploits its kernel, by the word of the engine."""

from collections.abc import Collection

from cotfactory.graders.sandbox.container import engine_errors

OWN_KERNEL = {"runsc": "gVisor", "kata": "Kata Containers", "kata-runtime": "Kata Containers"}
"""Runtimes in which a program meets another kernel than this machine's."""


def told_isolation(runtime: str | None) -> str:
    """Return, in one line, what an exploit of the kernel would still face; raises SandboxError.

    `runtime` is the engine's runtime that programs run in, None its own default.
    """
    import docker

    with engine_errors("the Docker engine did not answer"):
        client = docker.from_env()
        try:
            info = client.info()
        finally:
            client.close()
    options = [option.partition(",")[0] for option in info.get("SecurityOptions") or ()]
    return isolation(
        runtime or str(info.get("DefaultRuntime")),
        {option.removeprefix("name=") for option in options},
        set(info.get("Runtimes") or ()),
    )


def isolation(runtime: str, security: Collection[str], runtimes: Collection[str]) -> str:
    """Return that line for a runtime, what the engine's security options name, and the runtimes that it has.

    >>> isolation("runsc", {"seccomp"}, {"runc", "runsc"})
    'programs run in runsc (gVisor): a kernel of their own stands before the one of this machine'
    """
    if runtime in OWN_KERNEL:
        name = OWN_KERNEL[runtime]
        return f"programs run in {runtime} ({name}): a kernel of their own stands before the one of this machine"
    has_user_namespace = not {"userns", "rootless"}.isdisjoint(security)
    modules = [name for key, name in (("apparmor", "AppArmor"), ("selinux", "SELinux")) if key in security]
    left = "a user without rights and a filter of system calls"
    left += f", {modules[0]}" if modules else ", no security module (AppArmor, SELinux)"
    left += ", a user namespace" if has_user_namespace else ", no user namespace (root there is root here)"
    better = sorted(OWN_KERNEL.keys() & set(runtimes))
    advice = f"COTFACTORY_SANDBOX_RUNTIME={better[0]}" if better else "gVisor, or a machine of its own"
    shared = f"programs share this machine's kernel; an exploit of it faces {left}"
    return f"{shared}. For programs of unknown origin: {advice}"
