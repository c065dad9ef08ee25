"""Users, sessions, tokens, access to episodes and the audit log, on the real server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from dubkit.errors import DubkitError, SettingError
from dubkit.web.accounts import login as login_module
from dubkit.web.accounts import passwords, throttle
from dubkit.web.accounts.audit import audit, entries
from dubkit.web.accounts.hosts import trusted_proxies
from dubkit.web.accounts.people import Person
from dubkit.web.accounts.tables import Token, User
from dubkit.web.accounts.throttle import Throttle
from dubkit.web.accounts.users import AccountConflict, Accounts, NoSuchUser, user_name
from dubkit.web.database import now
from dubkit.web.jobs.kinds import JobWork
from dubkit.web.site import Site
from dubkit.web.startup import build_site
from tests.support.web_client import PASSWORD, SECRET, Browser, Running, make_episode, make_site, running_site

ANOTHER = "another good phrase"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    people: Any = {"root": "admin", "ed": "editor", "eve": "editor", "vic": "viewer"}
    with running_site(tmp_path_factory.mktemp("site"), people, serve__api_token=SECRET) as running:
        yield running


@pytest.fixture
def admin(server: Running) -> Browser:
    return server.browser("root")


def add(admin: Browser, name: str, role: str = "editor") -> None:
    answer = admin.post("/api/users", json={"name": name, "role": role, "password": PASSWORD})
    assert answer.status_code == 201, answer.text


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


# --- logging in -------------------------------------------------------------------------------


def test_a_login_leads_to_the_page_that_was_asked_for(server: Running) -> None:
    browser = server.browser()
    asked = browser.get("/jobs?state=done")
    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=%2Fjobs%3Fstate%3Ddone")
    answer = browser.log_in("ed", next="/jobs?state=done")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?state=done")
    assert browser.get("/api/me").json()["name"] == "ed"
    assert browser.get("/login?next=/jobs").headers["location"] == "/jobs"


def test_a_name_is_taken_however_it_is_written(server: Running) -> None:
    assert server.browser().log_in("  Ed ").status_code == 303


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ed", "wrong password"),
        ("nobody", PASSWORD),
        ("ed", ""),
        ("", ""),
        ("ed\x00", PASSWORD),
        ("ed", "x" * 3000),
    ],
)
def test_a_wrong_login_is_refused_alike(server: Running, name: str, password: str) -> None:
    browser = server.browser()
    answer = browser.log_in(name, password)
    assert answer.status_code in (401, 422)
    assert "ed" not in answer.text or "Name or password is wrong" in answer.text or answer.status_code == 422
    assert browser.get("/api/me").status_code == 401


def test_a_missing_user_takes_as_long_as_a_wrong_password(tmp_path: Path) -> None:
    calls: list[str] = []
    real = passwords._hasher

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            calls.append(str(hash).rsplit("$", 2)[0])
            return real.verify(hash, password)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", Counting())
        assert not passwords.matches(None, PASSWORD)
        assert not passwords.matches(passwords.hashed(PASSWORD), "wrong")
    assert calls[0].startswith("$argon2id")
    assert calls[0].split("$")[3] == calls[1].split("$")[3], "both with the same parameters"


def test_a_password_hashed_with_weaker_parameters_is_hashed_anew(server: Running, admin: Browser) -> None:
    add(admin, "old")
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with server.site.database.transaction() as session:
        found = session.get(User, "old")
        assert found is not None
        found.password = weak
    server.browser("old")
    kept = Accounts(server.site.database).named("old").password
    assert kept != weak
    assert passwords.matches(kept, PASSWORD)
    assert not passwords.is_outdated(kept)


def test_logging_out_ends_copies_of_the_cookie_too(server: Running) -> None:
    browser = server.browser("ed")
    stolen = dict(browser.cookies)
    answer = browser.post("/logout")
    assert answer.headers["location"] == "/login"
    assert browser.get("/api/me").status_code == 401
    assert server.browser(cookies=stolen).get("/api/me").status_code == 401


@pytest.mark.parametrize("change", ["password", "role", "removed", "made again"])
def test_a_change_of_the_user_ends_the_sessions(server: Running, admin: Browser, change: str) -> None:
    name = f"u-{change.replace(' ', '-')}"
    add(admin, name)
    browser = server.browser(name)
    assert browser.get("/api/me").status_code == 200
    if change == "password":
        answer = admin.patch(f"/api/users/{name}", json={"password": ANOTHER})
    elif change == "role":
        answer = admin.patch(f"/api/users/{name}", json={"role": "viewer"})
    else:
        answer = admin.delete(f"/api/users/{name}")
        if change == "made again":
            add(admin, name)
    assert answer.status_code in (200, 204)
    assert browser.get("/api/me").status_code == 401


def test_ones_own_password_needs_the_old_one_and_keeps_only_this_session(
    server: Running, admin: Browser
) -> None:
    add(admin, "carol", "viewer")
    browser, other = server.browser("carol"), server.browser("carol")
    assert browser.post("/api/password", json={"old": "wrong one", "new": ANOTHER}).status_code == 403
    assert browser.post("/api/password", json={"old": PASSWORD, "new": "short"}).status_code == 400
    assert browser.post("/api/password", json={"old": PASSWORD, "new": ANOTHER}).status_code == 204
    assert browser.get("/api/me").status_code == 200
    assert other.get("/api/me").status_code == 401
    assert server.browser().log_in("carol", PASSWORD).status_code == 401
    assert server.browser().log_in("carol", ANOTHER).status_code == 303


def test_guessing_the_old_password_is_limited_like_logins(server: Running, admin: Browser) -> None:
    add(admin, "dora", "viewer")
    browser = server.browser("dora")
    codes = [
        browser.post("/api/password", json={"old": f"wrong {n}", "new": ANOTHER}).status_code
        for n in range(throttle.PER_DEVICE.amount + 1)
    ]
    assert codes == [403] * throttle.PER_DEVICE.amount + [429]


def test_use_keeps_a_session_alive_and_time_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.time()
    with running_site(tmp_path, {"root": "admin"}, serve__session_hours=1) as server:
        browser = server.browser("root")
        first = browser.cookies["dubkit"]
        for minutes in (50, 100, 150):
            monkeypatch.setattr(time, "time", lambda m=minutes: moment + 60 * m)
            assert browser.get("/api/me").status_code == 200
        assert browser.cookies["dubkit"] != first
        monkeypatch.setattr(time, "time", lambda: moment + 60 * 211)
        assert browser.get("/api/me").status_code == 401


def test_on_this_machine_without_users_nobody_logs_in(tmp_path: Path) -> None:
    with running_site(tmp_path) as server:
        browser = server.browser()
        me = browser.get("/api/me").json()
        assert (me["name"], me["role"], me["local"]) == ("local", "admin", True)
        assert browser.post("/api/users", json={"name": "x"}, headers={"X-CSRF-Token": ""}).status_code == 403
        # The page of a proxy on this machine is not this machine.
        for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
            assert browser.get("/api/me", headers={header: "203.0.113.9"}).status_code == 401
        add(browser, "first", "admin")
        assert browser.get("/api/me").status_code == 401, "from now on people log in"
        assert browser.log_in("first").status_code == 303


def test_a_session_survives_a_restart_on_this_machine(tmp_path: Path) -> None:
    with running_site(tmp_path, {"root": "admin"}) as server:
        cookies = dict(server.browser("root").cookies)
    kept = tmp_path / "Output" / ".dubkit-secret"
    assert kept.stat().st_mode & 0o777 == 0o600
    with running_site(tmp_path) as server:
        assert server.browser(cookies=cookies).get("/api/me").json()["name"] == "root"


# --- limits -----------------------------------------------------------------------------------


def test_failures_on_an_account_slow_unknown_browsers_down_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits, moment = Throttle(), time.time()
    monkeypatch.setattr(time, "time", lambda: moment)
    for _ in range(throttle.PER_ACCOUNT.amount):
        assert limits.wait("ana", "1.1.1.1") == 0
        limits.failed("ana", "1.1.1.1")
    waits = []
    for _ in range(6):
        waits.append(limits.wait("ana", "2.2.2.2"))
        limits.failed("ana", "1.1.1.1")
    assert waits == [1, 2, 4, 8, 15, 15], "from wherever it comes"
    assert limits.wait("ben", "1.1.1.1") == 0, "another account is not slow"
    moment += 601
    assert limits.wait("ana", "1.1.1.1") == 0


def test_failures_on_many_accounts_slow_an_address_down() -> None:
    limits = Throttle()
    for number in range(throttle.PER_ADDRESS.amount):
        limits.failed(f"user{number}", "1.1.1.1")
    assert limits.wait("ana", "1.1.1.1") > 0
    assert limits.wait("ana", "2.2.2.2") == 0
    limits.succeeded("ana")
    assert limits.wait("ana", "1.1.1.1") > 0, "logging in does not clear an address"


def test_few_wait_at_once_for_one_account() -> None:
    limits = Throttle()
    for _ in range(throttle.PER_ACCOUNT.amount):
        limits.failed("ana", "1.1.1.1")
    with limits.place("ana", "1.1.1.1"):
        with pytest.raises(throttle.TooMany), limits.place("ana", "2.2.2.2"):
            pass
        with limits.place("ben", "1.1.1.1") as seconds:
            assert seconds == 0
    with limits.place("ana", "2.2.2.2") as seconds:
        assert seconds == 1


def test_failures_of_others_do_not_keep_known_browsers_out(
    server: Running, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(login_module, "sleep", sleep)
    add(admin, "zoe", "viewer")
    known = server.browser("zoe")
    known.post("/logout")
    stranger = server.browser()
    for number in range(throttle.PER_ADDRESS.amount):
        server.app.state.logins._throttle.failed(f"name{number}", "127.0.0.1")
    for number in range(12):
        assert stranger.log_in("zoe", f"wrong {number}").status_code == 401
    assert max(waited) > 1, "who guesses waits"
    waited.clear()
    known._csrf = ""
    assert known.log_in("zoe").status_code == 303, "from the same address, with the same account"
    assert sum(waited) == 0
    assert server.browser().log_in("zoe").status_code == 303, "slowly, but in"
    assert max(waited) > 1
    # The cookie is one account's, and a browser that fails too often is none that is known.
    devices = server.app.state.logins.devices
    cookie = known.cookies[devices.cookie]
    assert devices.known(cookie, "zoe")
    assert not devices.known(cookie, "ed")
    assert not devices.known(cookie[:-2] + "xx", "zoe")
    known.post("/logout")
    known._csrf = ""
    waited.clear()
    for number in range(throttle.PER_DEVICE.amount + 1):
        assert known.log_in("zoe", f"wrong {number}").status_code == 401
    assert waited[-1] > 0
    server.app.state.logins._throttle.__init__()


@pytest.mark.parametrize("named", ["proxy.example.org", "*", "10.0.0.0/40", "10.0.0.1;10.0.0.2"])
def test_proxies_that_are_believed_are_addresses(named: str) -> None:
    with pytest.raises(SettingError, match=r"serve\.trusted_proxies"):
        trusted_proxies(named)
    assert trusted_proxies("127.0.0.1, ::1,10.0.0.0/8,") == ["127.0.0.1", "::1", "10.0.0.0/8"]


# --- users and tokens -------------------------------------------------------------------------


def test_users_are_listed_without_their_passwords(admin: Browser) -> None:
    listed = admin.get("/api/users").json()
    assert {"root", "ed", "vic"} <= {user["name"] for user in listed}
    assert set(listed[0]) == {"name", "role", "created"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "ok", "role": "king", "password": PASSWORD},
        {"name": "ok", "role": "viewer", "password": "short"},
        {"name": "ok", "role": "viewer", "password": "aaaaaaaaaaaaaaa"},
        {"name": "ok", "role": "viewer", "password": "x" * 5000},
        {"name": "ok", "role": "viewer"},
        {"name": "local", "role": "viewer", "password": PASSWORD},
        {"name": "../etc", "role": "viewer", "password": PASSWORD},
        {"name": "a\r\nSet-Cookie: x=y", "role": "viewer", "password": PASSWORD},
        {"name": "", "role": "viewer", "password": PASSWORD},
        {"name": "ok", "role": "viewer", "password": PASSWORD, "admin": True},
    ],
)
def test_a_user_that_cannot_be_is_refused(admin: Browser, body: dict[str, Any]) -> None:
    answer = admin.post("/api/users", json=body)
    assert answer.status_code in (400, 422)
    assert PASSWORD not in answer.text
    assert "ok" not in {user["name"] for user in admin.get("/api/users").json()}


def test_a_name_is_given_once(admin: Browser) -> None:
    answer = admin.post("/api/users", json={"name": "ED", "role": "viewer", "password": PASSWORD})
    assert answer.status_code == 409
    assert admin.patch("/api/users/nobody", json={"role": "viewer"}).status_code == 404
    assert admin.delete("/api/users/nobody").status_code == 404


def test_the_last_admin_stays(server: Running, admin: Browser) -> None:
    assert admin.delete("/api/users/root").status_code == 409
    assert admin.patch("/api/users/root", json={"role": "editor"}).status_code == 409
    add(admin, "second", "admin")
    assert admin.patch("/api/users/second", json={"role": "editor"}).status_code == 200
    assert admin.delete("/api/users/second").status_code == 204


def test_an_admin_who_changes_the_own_password_stays_logged_in(server: Running, admin: Browser) -> None:
    add(admin, "boss", "admin")
    boss = server.browser("boss")
    assert boss.patch("/api/users/boss", json={"password": ANOTHER}).status_code == 200
    assert boss.get("/api/me").json()["name"] == "boss"
    # A password that will not do leaves the role alone as well.
    assert admin.patch("/api/users/boss", json={"role": "viewer", "password": "x"}).status_code == 400
    assert boss.get("/api/me").json()["role"] == "admin"
    assert admin.delete("/api/users/boss").status_code == 204


def test_the_first_user_must_be_an_admin(tmp_path: Path) -> None:
    with pytest.raises(AccountConflict, match="first user"):
        make_site(tmp_path, {"vic": "viewer"})


def test_a_token_is_shown_once_and_works_by_header(server: Running) -> None:
    browser = server.browser("ed")
    made = browser.post("/api/tokens", json={"label": "ci", "role": "editor", "days": 1}).json()
    assert made["token"].startswith("dubkit_")
    assert made["token"] not in browser.get("/api/tokens").text
    with server.site.database.reading() as session:
        row = session.get(Token, made["id"])
        assert row is not None
        assert len(row.sha256) == 64
    script = server.browser()
    me = script.get("/api/me", headers=bearer(made["token"])).json()
    assert (me["name"], me["role"], me["csrf_token"]) == ("ed", "editor", "")
    # No CSRF token is needed: no browser sends this header by itself.
    other = browser.post("/api/tokens", json={"label": "x", "role": "viewer"}).json()
    done = script.delete(f"/api/tokens/{other['id']}", headers=bearer(made["token"]))
    assert done.status_code == 204
    assert (
        script.get("/api/me", params={"token": made["token"], "access_token": made["token"]}).status_code
        == 401
    )
    assert browser.delete(f"/api/tokens/{made['id']}").status_code == 204
    assert script.get("/api/me", headers=bearer(made["token"])).status_code == 401


def test_a_token_is_never_above_its_user(server: Running, admin: Browser) -> None:
    browser = server.browser("ed")
    assert browser.post("/api/tokens", json={"label": "x", "role": "admin"}).status_code == 403
    add(admin, "demoted", "admin")
    demoted = server.browser("demoted")
    token = demoted.post("/api/tokens", json={"label": "x", "role": "admin"}).json()["token"]
    viewer = demoted.post("/api/tokens", json={"label": "y", "role": "viewer"}).json()["token"]
    assert server.browser().get("/api/users", headers=bearer(viewer)).status_code == 403
    assert server.browser().get("/api/users", headers=bearer(token)).status_code == 200
    admin.patch("/api/users/demoted", json={"role": "viewer"})
    assert server.browser().get("/api/users", headers=bearer(token)).status_code == 403
    admin.delete("/api/users/demoted")
    assert server.browser().get("/api/me", headers=bearer(token)).status_code == 401


def test_a_viewer_token_of_an_editor_makes_no_editor_token(server: Running) -> None:
    low = server.browser("ed").post("/api/tokens", json={"label": "x", "role": "viewer"}).json()["token"]
    answer = server.browser().post("/api/tokens", json={"label": "y", "role": "editor"}, headers=bearer(low))
    assert answer.status_code == 403
    change = server.browser().post(
        "/api/password", json={"old": PASSWORD, "new": ANOTHER}, headers=bearer(low)
    )
    assert change.status_code == 403


def test_an_expired_token_is_refused(server: Running) -> None:
    token, clear = Accounts(server.site.database).add_token("ed", "short", "viewer", days=1)
    with server.site.database.transaction() as session:
        row = session.get(Token, token.id)
        assert row is not None
        row.expires = now() - timedelta(seconds=1)
    assert server.browser().get("/api/me", headers=bearer(clear)).status_code == 401


@pytest.mark.parametrize("given", ["Bearer", "Bearer dubkit_x", "Basic cm9vdDpyb290", "dubkit_x", ""])
def test_a_bad_token_is_not_made_good_by_a_session(server: Running, admin: Browser, given: str) -> None:
    assert admin.get("/api/me", headers={"Authorization": given}).status_code == 401


def test_the_token_of_the_settings_is_an_admin(server: Running) -> None:
    me = server.browser().get("/api/me", headers=bearer(SECRET)).json()
    assert (me["name"], me["role"]) == ("api", "admin")
    assert server.browser().get("/api/me", headers=bearer(SECRET[:-1])).status_code == 401


def test_people_see_and_revoke_their_own_tokens_only(server: Running, admin: Browser) -> None:
    ed, eve = server.browser("ed"), server.browser("eve")
    made = ed.post("/api/tokens", json={"label": "mine", "role": "viewer"}).json()
    assert made["id"] not in eve.get("/api/tokens").text
    assert eve.delete(f"/api/tokens/{made['id']}").status_code == 404
    assert made["id"] in admin.get("/api/tokens").text
    assert admin.delete(f"/api/tokens/{made['id']}").status_code == 204


# --- episodes ---------------------------------------------------------------------------------


def test_an_episode_is_seen_by_owners_granted_people_and_admins(server: Running, admin: Browser) -> None:
    make_episode(server.site, "eds")
    server.site.queue.submit(JobWork("dub", "/in/eds.mp4", "eds", ("fr",), {}), "ed")
    ed, eve, vic = (server.browser(name) for name in ("ed", "eve", "vic"))
    where = "/api/episodes/eds/access"
    assert [b.get(where).status_code for b in (ed, admin, eve, vic)] == [200, 200, 404, 404]
    assert eve.put(where, json={"people": ["eve"]}).status_code == 404
    assert ed.put(where, json={"people": ["vic", "eve", "eve"]}).json() == {"people": ["eve", "vic"]}
    assert [b.get(where).status_code for b in (eve, vic)] == [200, 200]
    assert eve.put(where, json={"people": []}).status_code == 403, "seeing is not giving"
    assert ed.put(where, json={"people": ["*"]}).status_code == 200
    assert vic.get(where).status_code == 200
    assert ed.put(where, json={"people": ["nobody"]}).status_code == 400
    assert ed.put(where, json={"people": []}).status_code == 200
    assert eve.get(where).status_code == 404


def test_an_episode_of_the_command_line_is_seen_by_all(server: Running) -> None:
    make_episode(server.site, "made by hand")
    assert server.browser("vic").get("/api/episodes/made%20by%20hand/access").status_code == 200
    assert (
        server.browser("ed").put("/api/episodes/made by hand/access", json={"people": []}).status_code == 403
    )


def test_a_removed_user_takes_the_grants_along(server: Running, admin: Browser) -> None:
    make_episode(server.site, "given")
    add(admin, "guest", "viewer")
    admin.put("/api/episodes/given/access", json={"people": ["guest"]})
    admin.delete("/api/users/guest")
    assert admin.get("/api/episodes/given/access").json() == {"people": []}


# --- audit ------------------------------------------------------------------------------------


def test_the_audit_log_pages_through_what_people_did(server: Running, admin: Browser) -> None:
    server.browser().log_in("vic", "wrong password")
    newest = admin.get("/api/audit", params={"limit": 1}).json()[0]
    assert (newest["action"], newest["person"]) == ("login failed", "vic")
    older = admin.get("/api/audit", params={"limit": 500, "before": newest["number"]}).json()
    assert all(entry["number"] < newest["number"] for entry in older)
    own = admin.get("/api/audit", params={"name": "root"}).json()
    assert {entry["person"] for entry in own} == {"root"}
    assert {"login", "user added", "user removed", "access"} <= {entry["action"] for entry in own}
    text = admin.get("/api/audit", params={"limit": 500}).text
    assert PASSWORD not in text
    assert "dubkit_" not in text
    assert server.browser("ed").get("/api/audit").status_code == 403


def test_an_entry_of_the_audit_log_is_one_line(server: Running) -> None:
    audit(server.site, Person("ed", "editor"), "edit", "a\nb\x00" + "c" * 1000, "‮x")
    entry = entries(server.site, limit=1)[0]
    assert entry.subject.startswith("a�b�ccc")
    assert len(entry.subject) == 300
    assert entry.detail == "�x"


# --- the library behind it --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ána", "a b", "-x", "api", "*", "x" * 64, "", "a/b"])
def test_a_name_that_could_mean_something_else_is_refused(name: str) -> None:
    with pytest.raises(DubkitError, match="cannot be a user's name"):
        user_name(name)


def test_accounts_say_what_is_wrong(server: Running) -> None:
    accounts = Accounts(server.site.database)
    with pytest.raises(NoSuchUser):
        accounts.set_password("nobody", ANOTHER)
    with pytest.raises(DubkitError, match="cannot expire"):
        accounts.add_token("ed", "x", "viewer", days=-1)
    with pytest.raises(DubkitError, match="cannot have admin"):
        accounts.add_token("ed", "x", "admin")
    accounts.rehash("nobody", ANOTHER, "")


def test_a_passed_limit_while_waiting_counts_too(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    logins: login_module.Logins = server.app.state.logins
    for _ in range(throttle.PER_ACCOUNT.amount):
        logins._throttle.failed("late", "9.9.9.9")
    with pytest.raises(throttle.TooMany):
        logins._check("late", PASSWORD, "9.9.9.8", "", 0.0)


def site_at(tmp_path: Path, host: str, **settings: Any) -> Site:
    return make_site(tmp_path, settings.pop("people", None), serve__host=host, **settings)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "example.org", "::"])
def test_off_this_machine_a_secret_is_needed(tmp_path: Path, host: str) -> None:
    with pytest.raises(SettingError, match="secret of your own"):
        site_at(tmp_path, host)
    assert not (tmp_path / "Output" / ".dubkit-secret").exists()


def test_off_this_machine_a_user_is_needed(tmp_path: Path) -> None:
    with pytest.raises(DubkitError, match="no users"):
        site_at(tmp_path, "0.0.0.0", serve__secret=SECRET)
    site = site_at(tmp_path, "0.0.0.0", serve__secret=SECRET, people={"root": "admin"})
    assert not site.local
    site.database.close()


@pytest.mark.parametrize(
    "secret",
    ["short", "a" * 40, "abcd" * 10, "changeme-changeme-changeme-changeme",
     "0123456789abcdef0123456789abcdef", "dubkit-secret-dubkit-secret-password"],
)  # fmt: skip
def test_a_weak_secret_is_refused_and_not_shown(tmp_path: Path, secret: str) -> None:
    for name in ("serve__secret", "serve__api_token"):
        with pytest.raises(SettingError) as refused:
            make_site(tmp_path, None, **{name: secret})
        assert secret not in str(refused.value)


def test_a_secret_file_must_be_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o640)
    with pytest.raises(SettingError, match="chmod 600"):
        make_site(tmp_path, serve__secret_file=str(file))
    file.chmod(0o600)
    site = make_site(tmp_path, serve__secret_file=str(file))
    assert site.secret == SECRET.encode()
    site.database.close()
    with pytest.raises(SettingError, match="leave one out"):
        make_site(tmp_path, serve__secret_file=str(file), serve__secret=SECRET)
    with pytest.raises(SettingError, match="cannot be read"):
        make_site(tmp_path, serve__secret_file=str(tmp_path / "none"))


def test_strict_secrets_want_one_everywhere_and_none_from_a_readable_file(tmp_path: Path) -> None:
    from dubkit.config import configure
    from dubkit.models.store import ModelStore
    from dubkit.progress import Speeds

    with pytest.raises(SettingError, match="strict_secrets is on"):
        make_site(tmp_path, serve__strict_secrets=True)
    table = tmp_path / "dubkit.toml"
    for line, name in ((f'secret = "{SECRET}"', "secret"), (f'api_token = "{SECRET}"', "api_token")):
        table.write_text(f"[serve]\n{line}\n")
        table.chmod(0o644)
        environment = {"STRICT_SECRETS": "1"}
        environment |= {"DUBKIT_SERVE_SECRET": SECRET[::-1]} if name == "api_token" else {}
        configured = configure({}, environment=environment, folders=(tmp_path,))
        with pytest.raises(SettingError, match="others can read"):
            build_site(configured, tmp_path / "Output", ModelStore(tmp_path / "m", {}), Speeds())


def test_a_kept_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    make_site(tmp_path).database.close()
    (tmp_path / "Output" / ".dubkit-secret").chmod(0o644)
    with pytest.raises(SettingError, match="chmod 600"):
        make_site(tmp_path)


def test_a_database_that_does_not_answer_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="does not answer"):
        make_site(tmp_path, serve__database=f"sqlite:///{tmp_path}")
