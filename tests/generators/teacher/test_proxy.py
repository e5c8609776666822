"""Which proxy an endpoint is asked through: the environment's, never for this machine, and none that speaks SOCKS."""

import pytest
from yarl import URL

from cotfactory.generators.teacher.proxy import proxy_for
from cotfactory.schemas.errors import InputError

PROXY = "http://proxy.example:3128"


@pytest.fixture(autouse=True)
def no_proxy_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("http://teacher.example/v1", {}, None),
        ("http://teacher.example/v1", {"HTTP_PROXY": PROXY}, PROXY),
        ("https://teacher.example/v1", {"HTTP_PROXY": PROXY}, None),
        ("https://teacher.example/v1", {"ALL_PROXY": PROXY}, PROXY),
        # As curl takes it, without a scheme, and with a login.
        ("http://teacher.example/v1", {"http_proxy": "proxy.example:3128"}, PROXY),
        (
            "http://teacher.example/v1",
            {"http_proxy": "me:word@proxy.example:3128"},
            "http://me:word@proxy.example:3128",
        ),
        ("http://teacher.example/v1", {"HTTP_PROXY": "HTTP://proxy.example:3128"}, "HTTP://proxy.example:3128"),
        ("http://teacher.example/v1", {"HTTP_PROXY": PROXY, "NO_PROXY": "example"}, None),
        # This machine, whatever it is called; a neighbour in the same network is none.
        ("http://127.0.0.1:8000/v1", {"HTTP_PROXY": PROXY}, None),
        ("http://127.8.8.8:8000/v1", {"HTTP_PROXY": PROXY}, None),
        ("http://[::1]:8000/v1", {"HTTP_PROXY": PROXY}, None),
        ("http://0.0.0.0:8000/v1", {"HTTP_PROXY": PROXY}, None),
        ("http://localhost:8000/v1", {"HTTP_PROXY": PROXY}, None),
        ("http://LOCALHOST.:8000/v1", {"HTTP_PROXY": PROXY}, None),
        ("http://vllm.localhost/v1", {"HTTP_PROXY": PROXY}, None),
        ("http://10.99.0.7:8000/v1", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://localhost.example/v1", {"HTTP_PROXY": PROXY}, PROXY),
        # A proxy that is not used need not be one that could be.
        ("http://127.0.0.1:8000/v1", {"ALL_PROXY": "socks5://proxy.example:1080"}, None),
    ],
)
def test_the_proxy_of_an_endpoint(
    url: str, environment: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(URL(url)) == proxy


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "SOCKS4"])
def test_a_socks_proxy_is_refused_with_a_message_that_hides_its_login(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"{scheme}://me:word@proxy.example:1080")
    with pytest.raises(InputError, match=rf"{scheme}://proxy\.example:1080 .* not SOCKS") as caught:
        proxy_for(URL("https://teacher.example/v1"))
    assert "word" not in str(caught.value)
