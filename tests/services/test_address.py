"""Addresses, keys and proxies as people write them."""

from __future__ import annotations

import pytest

from dubkit.errors import TranslationError
from dubkit.proxies import is_local, proxy_for, refused_proxies, shown
from dubkit.services.address import call_address, clean_address, clean_key, open_client
from dubkit.translate.service.endpoint import NAMES

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
SERVICE = "https://api.example.org/v1"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        (" http://localhost:11434/v1//\n", "http://localhost:11434/v1"),
        ('"http://localhost:11434/v1"', "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/chat/completions", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/chat/completions/", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1/models", "http://localhost:11434/v1"),
        ("http://localhost:8880/v1/audio/speech", "http://localhost:8880/v1"),
        ("localhost:11434/v1", "http://localhost:11434/v1"),
        ("192.168.0.5:8000/v1", "http://192.168.0.5:8000/v1"),
        ("api.openai.com/v1", "https://api.openai.com/v1"),
        ("HTTPS://API.openai.com/v1", "https://API.openai.com/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("https://x.example/deploy/chat/completions?api-version=1", "https://x.example/deploy?api-version=1"),
        ("\ufeffhttp://localhost:1/v1\u200b", "http://localhost:1/v1"),
    ],
)
def test_an_address_is_understood_as_it_was_copied(written: str, address: str) -> None:
    assert clean_address(written, NAMES) == address


def test_the_call_keeps_the_query() -> None:
    address = "https://x.example/deploy?api-version=1"
    assert (
        call_address(address, "chat/completions") == "https://x.example/deploy/chat/completions?api-version=1"
    )


@pytest.mark.parametrize(
    "written",
    [
        "ftp://x/v1",
        "http:///v1",
        "http://x:port/v1",
        "http://x:99999/v1",
        "ws://x",
        "http://a b/v1",
        "http://[::1/v1",
    ],
)
def test_what_is_no_address_is_an_error_that_names_the_setting(written: str) -> None:
    with pytest.raises(TranslationError, match=r"translate\.base_url \(OPENAI_BASE_URL\)"):
        clean_address(written, NAMES)


def test_a_password_in_an_address_never_shows() -> None:
    assert shown("https://me:secret@x.example/v1?key=secret") == "https://x.example/v1"
    with pytest.raises(TranslationError) as error:
        clean_address("ftp://me:secret@x.example/v1", NAMES)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "written",
    [
        "sk-abc",
        " sk-abc\n",
        "sk-abc\r\n",
        '"sk-abc"',
        "Bearer sk-abc",
        "bearer  sk-abc ",
        "\ufeffsk-abc\u200b",
        "Authorization: Bearer sk-abc",
        "\u00a0sk-abc",
    ],
)
def test_a_key_is_understood_as_it_was_copied(written: str) -> None:
    assert clean_key(written, NAMES) == "sk-abc"


@pytest.mark.parametrize(
    ("written", "what"),
    [("sk-ábc", "the sign 'á'"), ("sk-a\nbc", "a blank or a new line"), ("sk-a\x00c", "the sign")],
)
def test_what_is_no_key_is_an_error_that_does_not_show_it(written: str, what: str) -> None:
    with pytest.raises(TranslationError, match="OPENAI_API_KEY") as error:
        clean_key(written, NAMES)
    assert what in str(error.value)
    assert "at place 4" in str(error.value) or "at place 5" in str(error.value)
    assert written not in str(error.value)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "0.0.0.0", "a.localhost"]
)
def test_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    assert is_local(host)
    monkeypatch.setenv("ALL_PROXY", "socks://127.0.0.1:7890/")
    assert proxy_for(f"http://{host}/v1" if ":" not in host or "[" in host else f"http://[{host}]/v1") == (
        "",
        "",
    )
    open_client("http://localhost:8471/v1", 1.0, NAMES).close()


@pytest.mark.parametrize(
    ("variables", "address", "proxy", "variable"),
    [
        ({"ALL_PROXY": "socks://h:1/"}, SERVICE, "socks5://h:1/", "ALL_PROXY"),
        ({"all_proxy": "h:1"}, SERVICE, "http://h:1", "ALL_PROXY"),
        ({"HTTPS_PROXY": "http://h:2", "ALL_PROXY": "http://h:1"}, SERVICE, "http://h:2", "HTTPS_PROXY"),
        ({"HTTP_PROXY": "http://h:2"}, SERVICE, "", ""),
        ({"HTTPS_PROXY": " "}, SERVICE, "", ""),
        ({"ALL_PROXY": "http://h:1", "NO_PROXY": "example.org"}, SERVICE, "", ""),
        ({"ALL_PROXY": "http://h:1", "NO_PROXY": ".example.org, x"}, SERVICE, "", ""),
        ({"ALL_PROXY": "http://h:1", "NO_PROXY": "*"}, SERVICE, "", ""),
        ({"ALL_PROXY": "http://h:1", "NO_PROXY": "other.org"}, SERVICE, "http://h:1", "ALL_PROXY"),
        ({"ALL_PROXY": "http://h:1", "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3:8000/v1", "", ""),
        ({"ALL_PROXY": "http://h:1", "NO_PROXY": "10.1.2.3:8000"}, "http://10.1.2.3:8000/v1", "", ""),
    ],
)
def test_the_proxy_of_the_environment_is_taken(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], address: str, proxy: str, variable: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(address) == (proxy, variable)


@pytest.mark.parametrize(
    ("variable", "proxy"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:7890/"),
        ("ALL_PROXY", "socks5h://127.0.0.1:7890"),
        ("HTTPS_PROXY", "socks4://127.0.0.1:7890"),
        ("HTTPS_PROXY", "http://127.0.0.1:port"),
        ("ALL_PROXY", "ftp://127.0.0.1:21"),
        ("ALL_PROXY", "http://"),
        ("https_proxy", "http://me:secret@[::1"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_an_error_that_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, proxy: str
) -> None:
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(TranslationError, match=rf"^{variable.upper()} is ") as error:
        open_client(SERVICE, 1.0, NAMES)
    assert "NO_PROXY" in str(error.value)
    assert "secret" not in str(error.value)


def test_certificates_that_cannot_be_read_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(TranslationError, match="SSL_CERT_FILE"):
        open_client(SERVICE, 1.0, NAMES)


@pytest.mark.parametrize("proxy", ["socks://127.0.0.1:7890/", "foo://x", "http://h:port"])
def test_downloads_name_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    assert refused_proxies() == ""
    monkeypatch.setenv("ALL_PROXY", proxy)
    assert refused_proxies().startswith(f"ALL_PROXY is {proxy}: ")
    monkeypatch.setenv("ALL_PROXY", "127.0.0.1:8080")
    assert refused_proxies() == ""
