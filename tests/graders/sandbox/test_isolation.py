import pytest

from cotfactory.graders.sandbox.isolation import isolation, told_isolation


@pytest.mark.parametrize(
    ("runtime", "security", "runtimes", "told"),
    [
        ("runc", {"seccomp"}, {"runc"}, ["no security module", "no user namespace", "gVisor, or a machine"]),
        ("runc", {"seccomp", "apparmor"}, {"runc"}, [", AppArmor, no user namespace"]),
        ("runc", {"userns", "selinux"}, {"runc"}, [", SELinux, a user namespace."]),
        ("runc", {"rootless"}, {"runc"}, [", a user namespace."]),
        ("runc", {"seccomp"}, {"runc", "runsc"}, ["COTFACTORY_SANDBOX_RUNTIME=runsc"]),
        ("runsc", {"seccomp"}, {"runc", "runsc"}, ["gVisor", "a kernel of their own"]),
    ],
)
def test_what_an_exploit_would_face(runtime: str, security: set[str], runtimes: set[str], told: list[str]) -> None:
    line = isolation(runtime, security, runtimes)
    assert [part for part in told if part not in line] == []
    assert ("share this machine's kernel" in line) is (runtime == "runc")


@pytest.mark.docker
def test_the_engine_is_asked() -> None:
    assert "share this machine's kernel" in told_isolation("runc")
    assert "gVisor" in told_isolation("runsc")
