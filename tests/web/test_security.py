"""Attacks on the real application: every route is tried without a login, with the wrong role, and more."""

from __future__ import annotations

import asyncio
import http.client
import logging
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from dubkit.web.accounts import login, passwords, throttle
from dubkit.web.accounts.hosts import Hosts, is_loopback
from dubkit.web.accounts.login import safe_next
from dubkit.web.accounts.names import safe_name
from dubkit.web.accounts.sessions import Sessions
from dubkit.web.app import create_app
from dubkit.web.http.headers import LARGEST_BODY
from dubkit.web.jobs.kinds import JobWork
from tests.support.web_client import PASSWORD, SECRET, Running, make_episode, make_site, running_site

HEALTH = {"/api/health", "/api/health/live", "/api/health/ready"}
OPEN = {("GET", "/login"), ("POST", "/login"), *(("GET", path) for path in HEALTH)}
OWN_AFFAIRS = {"/login", "/logout", "/api/password", "/api/tokens", "/api/tokens/{token}"}
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    people: Any = {"root": "admin", "ed": "editor", "eve": "editor", "vic": "viewer"}
    with running_site(tmp_path_factory.mktemp("site"), people) as running:
        make_episode(running.site, "clip")
        make_episode(running.site, "eds")
        running.site.queue.submit(JobWork("dub", "/in/eds.mp4", "eds", ("fr",), {}), "ed")
        yield running


def routes(server: Running) -> list[tuple[str, str]]:
    """Every method and path of the application, from its own table."""
    found = set()
    for route in iter_route_contexts(server.app.routes):
        path = (route.path or "").replace(":path}", "}")  # as the document names it
        found |= {(method, path) for method in (route.methods or set()) - {"HEAD"}}
    return sorted(found)


def filled(path: str, value: str = "clip") -> str:
    return re.sub(r"\{[^}]+\}", value, path)


# --- who may come in --------------------------------------------------------------------------


def test_the_table_of_routes_is_whole(server: Running) -> None:
    found = routes(server)
    document = {
        (method.upper(), path)
        for path, operations in server.app.openapi()["paths"].items()
        for method in operations
        if method != "head"
    }
    assert document <= set(found)
    assert {("GET", "/login"), ("GET", "/users"), ("GET", "/")} <= set(found)
    assert len(found) > 60


def test_without_a_login_everything_is_closed(server: Running) -> None:
    browser = server.browser()
    token = browser.csrf()
    opened = []
    for method, path in routes(server):
        answer = browser.request(method, filled(path), headers={"X-CSRF-Token": token, "Accept": "text/html"})
        to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login")
        if answer.status_code != 401 and not (to_login and path != "/logout"):
            opened.append((method, path))
    assert set(opened) <= OPEN


def test_an_unknown_address_is_closed_too(server: Running) -> None:
    for path in ("/nothing", "/api/nothing", "/media/clip/nothing", "/docs", "/redoc", "/openapi.json"):
        assert server.browser().get(path).status_code in (303, 401)


def test_a_viewer_changes_nothing_anywhere(server: Running) -> None:
    browser = server.browser("vic")
    let = []
    for method, path in routes(server):
        if method in UNSAFE and path not in OWN_AFFAIRS:
            answer = browser.request(method, filled(path), json={})
            if answer.status_code != 403:
                let.append((method, path, answer.status_code))
    assert let == []


def test_an_editor_is_no_admin(server: Running) -> None:
    browser = server.browser("ed")
    for method, path in (
        ("GET", "/api/users"), ("POST", "/api/users"), ("PATCH", "/api/users/vic"),
        ("DELETE", "/api/users/vic"), ("GET", "/api/audit"), ("GET", "/users"),
    ):  # fmt: skip
        body: Any = {"json": {"name": "x", "role": "admin", "password": PASSWORD}} if method != "GET" else {}
        if method == "PATCH":
            body = {"json": {"role": "admin"}}
        assert browser.request(method, path, **body).status_code == 403, path


def test_nobody_raises_the_own_role(server: Running) -> None:
    browser = server.browser("vic")
    assert browser.patch("/api/users/vic", json={"role": "admin"}).status_code == 403
    assert browser.get("/api/me").json()["role"] == "viewer"


def test_what_belongs_to_others_does_not_exist(server: Running) -> None:
    stranger = server.browser("eve")
    for method, path in routes(server):
        if "{episode}" in path and method == "GET":
            place = filled(path.replace("{episode}", "eds"), "fr")
            answer = stranger.request(method, place)
            assert answer.status_code == 404, (method, place, answer.status_code)
    job = server.site.queue.jobs(owner="ed")[0].id
    for method, path in routes(server):
        if "{job}" in path:
            answer = stranger.request(method, filled(path, job))
            assert answer.status_code in (404, 422), (method, path, answer.status_code)
            assert job not in answer.text or answer.status_code == 404


# --- requests that are not ours ---------------------------------------------------------------


def test_a_change_without_the_token_of_its_own_session_is_refused(server: Running) -> None:
    browser, other = server.browser("root"), server.browser("root")
    for wrong in ("", "x", "é", other.csrf(), browser.csrf()[:-1], browser.csrf().upper()):
        answer = browser.post("/logout", headers={b"X-CSRF-Token": wrong.encode()})
        assert answer.status_code == 403, wrong
    for method, path in routes(server):
        if method in UNSAFE:
            answer = browser.request(method, filled(path), headers={"X-CSRF-Token": other.csrf()}, json={})
            assert answer.status_code == 403, (method, path)
    assert browser.get("/api/me").status_code == 200


def test_the_token_may_come_as_a_form_field(server: Running) -> None:
    browser = server.browser("ed")
    wrong = browser.post("/logout", data={"csrf_token": "x"}, headers={"X-CSRF-Token": ""})
    assert wrong.status_code == 403
    # A field of a JSON body or of the address is no form field.
    for arguments in ({"json": {"csrf_token": browser.csrf()}}, {"params": {"csrf_token": browser.csrf()}}):
        answer = browser.post("/logout", headers={"X-CSRF-Token": ""}, **arguments)  # type: ignore[arg-type]
        assert answer.status_code == 403
    right = browser.post("/logout", data={"csrf_token": browser.csrf()}, headers={"X-CSRF-Token": ""})
    assert right.status_code == 303


def test_the_login_form_needs_a_token_too(server: Running) -> None:
    form = {"name": "ed", "password": PASSWORD}
    assert httpx.post(f"{server.url}/login", data=form).status_code == 403
    assert server.browser().post("/login", data=form, headers={"X-CSRF-Token": "x"}).status_code == 403


def test_a_form_without_scripts_logs_in(server: Running) -> None:
    browser = server.browser()
    form = {"name": "ed", "password": PASSWORD, "csrf_token": browser.csrf(), "next": "/jobs"}
    answer = browser.post("/login", data=form, headers={"X-CSRF-Token": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs")


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://127.0.0.1:1"}],
)  # fmt: skip
def test_a_request_from_a_page_of_another_site_is_refused(server: Running, headers: dict[str, str]) -> None:
    browser = server.browser("ed")
    token = {"X-CSRF-Token": browser.csrf()}
    assert browser.post("/logout", headers=token | headers).status_code == 403
    own = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/logout", headers=token | own).status_code == 303


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "203.0.113.5", "a b", "[::1",
     "localhost:80@evil.example", "xn--localhost-"],
)  # fmt: skip
def test_a_name_that_somebody_pointed_here_is_refused(server: Running, host: str) -> None:
    browser = server.browser("root")
    answer = _raw(server, f"GET /api/me HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    assert answer.startswith("HTTP/1.1 400")
    assert "evil" not in answer
    assert browser.get("/api/me", headers={"Host": "localhost"}).status_code == 200


def test_names_of_the_server() -> None:
    given = Hosts("Dub.Example.org, other.example", local=False)
    assert given.accepts("dub.example.org:443")
    assert given.accepts("other.example.")
    assert given.accepts("192.0.2.1")
    assert not given.accepts("example.org")
    assert Hosts("", local=False).accepts(socket.gethostname())
    assert not Hosts("", local=True).accepts("192.0.2.1")
    assert Hosts("", local=True).accepts("[::1]:8000")
    assert [is_loopback(host) for host in ("localhost", "127.8.0.1", "::1", "0.0.0.0", "x")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def _raw(server: Running, request: str) -> str:
    where = urlsplit(server.url)
    with socket.create_connection((where.hostname, where.port), 10) as connection:
        connection.sendall(request.encode("latin-1"))
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts).decode("latin-1")


# --- sessions ---------------------------------------------------------------------------------


def test_a_session_known_before_login_is_worth_nothing_after(server: Running) -> None:
    victim = server.browser()
    victim.csrf()
    fixed = dict(victim.cookies)
    assert victim.log_in("ed").status_code == 303
    assert dict(victim.cookies) != fixed
    assert server.browser(cookies=fixed).get("/api/me").status_code == 401


def test_logging_in_again_ends_the_session_before(server: Running) -> None:
    browser = server.browser("ed")
    before = dict(browser.cookies)
    # The form is not shown to somebody who is logged in, but the request can be made.
    browser._csrf = browser.get("/api/me").json()["csrf_token"]
    assert browser.log_in("eve").status_code == 303
    assert server.browser(cookies=before).get("/api/me").status_code == 401


def test_a_cookie_that_was_not_made_here_is_refused(server: Running) -> None:
    good = server.browser("root").cookies["dubkit"]
    body, stamp, signature = good.split(".")
    forged = Sessions(b"another secret of thirty-two letters", 12, secure=False)
    old = Sessions(server.site.secret, 12, secure=False)
    version = server.app.state.accounts.named("root").session_version
    cookies = [
        "", "x", "...", body, good[:-1], good + "x", f"{body}.{stamp}.", f"{body[:-2]}AA.{stamp}.{signature}",
        f"{body}.{'A' * len(stamp)}.{signature}",
        forged.set_cookie(forged.new("root", version)).split(";")[0].split("=", 1)[1],
        old.set_cookie(old.new("root", version + 1)).split(";")[0].split("=", 1)[1],
        old.set_cookie(old.new("nobody", 1)).split(";")[0].split("=", 1)[1],
        old._signer.dumps(["root"]), old._signer.dumps({"user": "root"}), old._signer.dumps([1, 2, 3]),
        old._signer.dumps(None),
    ]  # fmt: skip
    for cookie in cookies:
        answer = server.browser(cookies={"dubkit": cookie}).get("/api/me")
        assert answer.status_code == 401, cookie
    assert server.browser(cookies={"dubkit": good}).get("/api/me").status_code == 200


def test_a_cookie_of_a_past_time_is_refused(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = dict(server.browser("root").cookies)
    later = time.time() + 12 * 3600 + 5
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: later)
        assert server.browser(cookies=cookies).get("/api/me").status_code == 401


def test_the_cookie_is_not_for_scripts_or_other_sites(server: Running) -> None:
    browser = server.browser()
    made = browser.get("/login").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in made.split(";")}
    assert "Domain" not in made


def test_off_this_machine_the_cookie_needs_https(tmp_path: Path) -> None:
    people: Any = {"root": "admin"}
    options = {"serve__host": "0.0.0.0", "serve__secret": SECRET, "serve__hosts": "dub.example"}
    with running_site(tmp_path, people, **options) as server:
        host = {"Host": "dub.example"}
        plain = httpx.get(f"{server.url}/login", headers=host)
        assert plain.headers["set-cookie"].startswith("__Host-dubkit=")
        assert "; Secure" in plain.headers["set-cookie"]
        assert "only over HTTPS" in plain.text
        assert "strict-transport-security" not in plain.headers
        proxied = httpx.get(f"{server.url}/login", headers=host | {"X-Forwarded-Proto": "https"})
        assert "only over HTTPS" not in proxied.text
        assert "max-age" in proxied.headers["strict-transport-security"]
        # Without users nobody would be let in as the person at the machine here.
        assert httpx.get(f"{server.url}/api/me", headers=host).status_code == 401


@pytest.mark.parametrize(
    "next",
    ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "/\t/evil.example", "/\r\nSet-Cookie: a=b", " //evil.example", "///evil.example", "", "/login?next=/"],
)  # fmt: skip
def test_a_login_leads_nowhere_else(server: Running, next: str) -> None:
    answer = server.browser().log_in("ed", next=next)
    assert answer.headers["location"] == "/"
    assert "a=b" not in answer.headers.get("set-cookie", "")
    assert safe_next(next) == "/"
    shown = server.browser().get("/login", params={"next": next})
    assert 'name="next" value="/"' in shown.text


# --- names ------------------------------------------------------------------------------------

CLIMBING = [
    "..", "../clip", "%2e%2e", "%2e%2e%2fclip", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "..%5cclip",
    "clip%00", "%00", "clip%00.jpg", "a" * 300, "a" * 5000, "%EF%BC%8E%EF%BC%8E", "%E2%80%A5",
    "..%EF%BC%8Fclip", "%EF%BC%8Fetc", ".dubkit", "%ff%fe", "clip%0d%0aX-Injected:%201", "%252e%252e",
    "%F0%9F%92%A9", "C:%5Cwindows", "~", "*", "%20", ".",
]  # fmt: skip


PLAIN = ("..", "../clip", ".")


FEW = ("%2e%2e", "..%2f..%2fetc%2fpasswd", "clip%00", "%EF%BC%8E%EF%BC%8E")
"""One of each kind, for the quick run."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(one, id=str(n), marks=[] if one in FEW else pytest.mark.slow)
        for n, one in enumerate(CLIMBING)
    ],
)
def test_no_name_climbs_out_of_its_folder(server: Running, name: str) -> None:
    (server.site.output.parent / "outside").mkdir(exist_ok=True)
    (server.site.output.parent / "outside" / ".dubkit").mkdir(exist_ok=True)
    cookie = f"dubkit={server.browser('root').cookies['dubkit']}"
    where = urlsplit(server.url)
    # Sent as it is: other clients would tidy it up.
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=30)
    for method, path in routes(server):
        for hole in re.findall(r"\{[^}]+\}", path) if method == "GET" else ():
            place = filled(path.replace(hole, name))
            connection.putrequest("GET", place, skip_accept_encoding=True)
            connection.putheader("Cookie", cookie)
            connection.endheaders()
            answer = connection.getresponse()
            text = answer.read()
            # `..` and `.` may be an address of their own, which is answered as that.
            allowed = (200, 303, 400, 404, 405, 414, 422) if name in PLAIN else (400, 404, 405, 414, 422)
            assert answer.status in allowed, (place, answer.status)
            assert "X-Injected" not in answer.headers
            assert b"root:x:" not in text
    connection.close()


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", "...", "../a", "a/b", "a\\b", "/a", "a\0", "a\n", "\uff0e\uff0e", "\u2025",
     "a\uff0fb", "\ud800", "\u00e9" * 128, ".hidden", "a\u2028b"],
)  # fmt: skip
def test_a_name_that_is_none_is_not_found(name: str) -> None:
    from fastapi import HTTPException

    with pytest.raises(HTTPException) as refused:
        safe_name(name)
    assert refused.value.status_code == 404


@pytest.mark.parametrize("name", ["clip", "My Film (2024)", "épisode 1", "第一話", "a.b-c_d", "🎬"])
def test_names_of_people_stay(name: str) -> None:
    assert safe_name(name) == name


def test_a_link_out_of_the_output_folder_is_not_followed(server: Running, tmp_path: Path) -> None:
    (tmp_path / ".dubkit").mkdir()
    (server.site.output / "link").symlink_to(tmp_path)
    (server.site.output / "plain").mkdir()
    browser = server.browser("root")
    assert browser.get("/api/episodes/link/access").status_code == 404
    assert browser.get("/api/episodes/plain/access").status_code == 404, "a folder that is no episode"


@pytest.mark.parametrize(
    "path", ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "vendor/../../app.py", "/etc/passwd"]
)
def test_static_files_stay_in_their_folder(server: Running, path: str) -> None:
    answer = _raw(server, f"GET /static/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert int(answer.split()[1]) in (400, 401, 404)
    assert "create_app" not in answer


# --- bodies -----------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_refused(server: Running) -> None:
    browser = server.browser("root")
    large = b'{"name": "' + b"x" * LARGEST_BODY + b'"}'
    json = {"Content-Type": "application/json"}
    assert browser.post("/api/users", content=large, headers=json).status_code == 413

    def chunks() -> Iterator[bytes]:  # without a Content-Length
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    assert browser.post("/api/users", content=chunks(), headers=json).status_code == 413
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (
        browser.post("/login", content=b"name=" + large, headers=form | {"X-CSRF-Token": ""}).status_code
        == 413
    )
    assert browser.get("/api/me").status_code == 200


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"name": "x"}', "text/plain"),
        (b"<a/>", "application/xml"),
        (b"name=x", "application/x-www-form-urlencoded"),
        (b"", "multipart/form-data"),
        (b'{"name": "\\ud800", "role": "viewer", "password": "0123456789"}', "application/json"),
        (b'{"name": "a\\u0000b", "role": "viewer", "password": "0123456789"}', "application/json"),
    ],
)
def test_a_body_of_the_wrong_kind_is_refused(server: Running, content: bytes, kind: str) -> None:
    answer = server.browser("root").post("/api/users", content=content, headers={"Content-Type": kind})
    assert answer.status_code in (400, 415, 422)


def test_what_was_sent_is_not_sent_back(server: Running) -> None:
    browser = server.browser("root")
    answer = browser.post("/api/users", json={"name": 7, "role": "x", "password": ["hunter2-hunter2"]})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
    page = browser.get("/api/me", params={"q": "<script>alert(1)</script>"})
    assert "<script>alert" not in page.text
    missing = browser.get("/%3Cscript%3Ealert(1)%3C/script%3E")
    assert missing.status_code == 404
    assert "<script>alert" not in missing.text


# --- answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/login", "/api/health", "/api/me", "/nothing", "/api/nothing", "/static/app.css"]
)
def test_every_answer_carries_the_security_headers(server: Running, path: str) -> None:
    for browser in (server.browser(), server.browser("root")):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "camera=()" in headers["permissions-policy"]
        assert "server" not in headers or "uvicorn" in headers["server"]
        assert ("no-store" in headers["cache-control"]) == (path != "/static/app.css")
        assert "access-control-allow-origin" not in headers


def test_the_nonce_is_of_one_answer(server: Running) -> None:
    browser = server.browser()
    found = {
        re.search(r"'nonce-([\w-]+)'", browser.get("/login").headers["content-security-policy"]) for _ in "ab"
    }
    assert len({match[1] for match in found if match}) == 2


def test_static_files_are_kept_by_their_version(server: Running) -> None:
    page = server.browser().get("/login").text
    css = re.search(r'href="(/static/app\.css\?v=\w+)"', page)
    assert css is not None
    answer = server.browser().get(css[1])
    assert "immutable" in answer.headers["cache-control"]
    assert "set-cookie" not in answer.headers
    bare = server.browser().get("/static/js/app.js")
    assert bare.headers["cache-control"] == "no-cache"
    again = server.browser().get("/static/js/app.js", headers={"If-None-Match": bare.headers["etag"]})
    assert again.status_code == 304


def test_a_part_of_a_page_is_never_answered_with_a_page(server: Running) -> None:
    part = {"HX-Request": "true"}
    closed = server.browser().get("/jobs", headers=part)
    assert closed.status_code == 401
    assert "Reload the page to log in" in closed.text
    ed, vic = server.browser("ed"), server.browser("vic")
    hostile = "/%3Cscript%3Ealert(1)%3C/script%3E"
    answers = [
        closed, ed.get("/jobs/nothing", headers=part), ed.get("/users", headers=part),
        ed.get(hostile, headers=part), ed.get(f"/characters{hostile}/pt-BR", headers=part),
        ed.get("/new/language?text=%3Cscript%3E", headers=part), vic.post("/new/plan", headers=part | {
            "X-CSRF-Token": "x"}),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [401, 404, 403, 404, 404, 400, 403]
    for answer in answers:
        assert answer.text.startswith('<div class="notice bad" role="alert">')
        assert "<html" not in answer.text
        assert "<script" not in answer.text
        # It stands in the place of the part, whatever of a page was asked for.
        assert (answer.headers["hx-reselect"], answer.headers["hx-reswap"]) == (".notice", "innerHTML")
        assert answer.headers["content-type"].startswith("text/html")
    assert ed.get("/api/jobs/nothing", headers=part).json() == {"detail": "There is no such job."}
    assert server.browser().get("/jobs").status_code == 303


def test_pages_and_media_answer_head_like_get(server: Running) -> None:
    ed, nobody = server.browser("ed"), server.browser()
    script = server.site.output / "eds" / "fr"
    script.mkdir()
    (script / "report.html").write_text("<p>report</p>")
    job = server.site.queue.jobs(owner="ed")[0].id
    paths = ["/", "/jobs", "/new", "/characters", "/settings", "/login", "/nothing", f"/jobs/{job}", "/users",
             "/media/eds/fr/report", f"/api/jobs/{job}/result"]  # fmt: skip
    for browser in (ed, nobody):
        for path in paths:
            asked, head = browser.get(path), browser.head(path)
            assert (head.status_code, head.content) == (asked.status_code, b""), path
            same = ("content-type", "content-length", "location", "content-disposition")
            for name in same if path != "/login" else same[:1]:
                assert head.headers.get(name) == asked.headers.get(name), (path, name)
    assert set(server.app.openapi()["paths"]["/api/jobs/{job}/result"]) == {"get"}
    counted = server.browser("root").get("/metrics").text
    assert 'dubkit_requests_total{method="HEAD",route="/settings",status="200"}' in counted
    assert ed.head("/new/plan").status_code == 405


def test_a_bug_shows_nothing_of_the_inside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running_site(tmp_path) as server:

        def broken() -> None:
            raise RuntimeError("secret path /srv/x")

        server.app.add_api_route("/api/broken", broken)
        server.app.add_api_route("/broken", broken)
        for path in ("/api/broken", "/broken"):
            answer = server.browser().get(path)
            assert answer.status_code == 500
            assert "secret path" not in answer.text
            assert "frame-ancestors" in answer.headers["content-security-policy"]
    assert "secret path" in caplog.text


def test_the_document_says_how_to_come_in(server: Running) -> None:
    document = server.browser("vic").get("/api/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path not in HEALTH:
                assert operation["security"], path
            assert {"401", "403", "404"} <= set(operation["responses"]), path


# --- logs -------------------------------------------------------------------------------------


def test_the_log_has_no_queries_headers_or_bodies(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        browser = server.browser("ed")
        browser.get("/api/me?token=query-secret", headers={"X-Test": "header-secret"})
        browser.post("/api/password", json={"old": "body-secret", "new": "body-secret-2"})
        browser.get("/api/%0Aforged%20line")
    lines = [record.getMessage() for record in caplog.records if record.name == "dubkit.web.requests"]
    text = "\n".join(lines)
    assert "ed GET '/api/me' 422" in text
    assert "secret" not in text
    assert PASSWORD not in caplog.text
    assert not any("\n" in line for line in lines)


# --- bad logins without end -------------------------------------------------------------------


GUESSES = 200


@pytest.mark.slow
def test_bad_logins_without_end_are_slow_and_keep_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(tmp_path, {"root": "admin", "ed": "editor"})
    app = create_app(site)
    hashed = 0
    real = passwords.matches

    def counting(kept: str | None, password: str) -> bool:
        nonlocal hashed
        hashed += 1
        return real(kept, password)

    monkeypatch.setattr(passwords, "matches", counting)

    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await asyncio.sleep(0.01 if seconds else 0)

    monkeypatch.setattr(login, "sleep", sleep)

    def client(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://localhost")

    async def log_in(browser: httpx.AsyncClient, name: str, password: str) -> httpx.Response:
        found = re.search(r'name="csrf-token" content="(\w+)"', (await browser.get("/login")).text)
        assert found is not None
        body = {"name": name, "password": password, "csrf_token": found[1]}
        return await browser.post("/login", data=body)

    async def attack() -> list[int]:
        codes = []
        async with client("203.0.113.1") as bad:
            found = re.search(r'name="csrf-token" content="(\w+)"', (await bad.get("/login")).text)
            assert found is not None
            form = {"name": "root", "password": "", "csrf_token": found[1]}

            async def guess(number: int) -> int:
                return (await bad.post("/login", data=form | {"password": f"guess {number}"})).status_code

            for start in range(0, GUESSES, 20):
                codes += await asyncio.gather(*(guess(start + n) for n in range(20)))
            before = sum(waited)
            right = await log_in(bad, "root", PASSWORD)
            assert right.status_code == 303, "slowly, but in"
            assert sum(waited) - before == throttle.LONGEST
            bad.cookies.clear()
            codes.append((await log_in(bad, "ed", PASSWORD)).status_code)
        return codes

    codes = asyncio.run(attack())
    site.database.close()
    assert codes.pop() == 303, "failures of one account do not slow others down"
    assert len(codes) == GUESSES
    assert set(codes) == {401, 429}
    looked_at = codes.count(401)
    assert looked_at <= throttle.PER_ACCOUNT.amount + 2 + 3 * GUESSES / 20, (
        "one waits, the others are refused"
    )
    assert hashed <= looked_at + 2
    at_once = throttle.PER_ACCOUNT.amount + 6  # while the waits grow
    assert sum(waited) >= throttle.LONGEST * (looked_at - at_once), "each costs a quarter of a minute"
