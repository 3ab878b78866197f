"""The handlers of a real Jupyter server behind a base URL.

They are used by a stranger, by a page of another origin, and by the right person.
"""

import http.cookiejar
import json
import struct
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket

from tests.jupyter import TOKEN, Server, serving
from tests.lab.live.screen import HELLO
from tests.toy_study import end, make
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.requests import FiledRequest

REFUSAL = "no such study under the folder that this server shows"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("server")
    with serving(
        home, "--ServerApp.base_url=/user/me/", "--ServerApp.authorizer_class=tests.rights.Lacking"
    ) as running:
        yield running


@pytest.fixture(scope="module")
def study(server: Server) -> Iterator[StudyFolder]:
    folder = make(server.root, "toy-1", 2)
    yield folder
    end(folder)


def request(study: StudyFolder | str, verb: str = "guide", **body: Any) -> dict[str, Any]:
    path = study if isinstance(study, str) else str(study.path)
    return {
        "study": path,
        "decision_id": uuid.uuid4().hex,
        "verb": verb,
        "body": body or {"text": "try more"},
    }


def filed(study: StudyFolder) -> list[FiledRequest]:
    with Journal(study) as journal:
        return journal.read_requests(0)


@contextmanager
def connected(
    server: Server, path: str, token: str | None = TOKEN, origin: str | None = None, **headers: str
) -> Iterator[websocket.WebSocket]:
    listed = [f"{name}: {value}" for name, value in headers.items()]
    if token:
        listed.append(f"Authorization: token {token}")
    url = server.url.replace("http", "ws", 1) + path
    socket = websocket.WebSocket()
    try:
        socket.connect(
            url, timeout=30, header=listed, origin=origin, suppress_origin=origin is None
        )
        yield socket
    finally:
        socket.shutdown()


def feed(study: StudyFolder | str) -> str:
    path = study if isinstance(study, str) else str(study.path)
    return f"workbench/feed?{urllib.parse.urlencode({'study': path})}"


def ended(socket: websocket.WebSocket) -> tuple[int, str]:
    """Code and reason with which the server closes."""
    while True:
        opcode, data = socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            return struct.unpack(">H", data[:2])[0], data[2:].decode()


def handshake(server: Server, path: str, **how: Any) -> int:
    """Status with which the server refuses a socket."""
    with (
        pytest.raises(websocket.WebSocketBadStatusException) as refused,
        connected(server, path, **how),
    ):
        pass
    return int(refused.value.status_code)


def listen(socket: websocket.WebSocket, kind: str) -> dict[str, Any]:
    while True:
        opcode, data = socket.recv_data()
        assert opcode in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY), data
        message = json.loads(data) if opcode == websocket.ABNF.OPCODE_TEXT else unframe(data)
        if message["type"] == kind:
            return message


def unframe(data: bytes) -> dict[str, Any]:
    length = struct.unpack_from("<I", data)[0]
    message: dict[str, Any] = json.loads(data[4 : 4 + length])
    return {**message, "buffer": data[-(-(4 + length) // 8) * 8 :]}


def test_who_has_no_token_gets_nothing(server: Server, study: StudyFolder) -> None:
    before = filed(study)
    assert server.ask("workbench/studies", token=None)[0] == 403
    assert server.ask("workbench/request", request(study), token="a wrong one")[0] == 403
    assert server.ask("workbench/request", request(study), token=None)[0] == 403
    for path in ("workbench/watch", feed(study)):
        assert handshake(server, path, token=None) == 403
        assert handshake(server, path, token="a wrong one") == 403
    assert filed(study) == before


def test_who_lacks_a_right_may_look_and_not_decide_or_neither(
    server: Server, study: StudyFolder
) -> None:
    before = filed(study)
    for right in ("write contents", "execute kernels"):
        status, answer = server.ask("workbench/request", request(study), {"Lacks": right})
        assert (status, answer["message"]) == (403, f"this user may not {right} here")
        assert server.ask("workbench/studies", headers={"Lacks": right})[0] == 200
    assert server.ask("workbench/studies", headers={"Lacks": "read contents"})[0] == 403
    for path in ("workbench/watch", feed(study)):
        assert handshake(server, path, Lacks="read contents") == 403
    assert filed(study) == before


def test_a_page_of_another_origin_is_kept_out(server: Server, study: StudyFolder) -> None:
    """A browser sends the person's cookies along; the origin and the missing token give it away."""
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    with browser.open(f"{server.url}login?token={TOKEN}"):
        pass
    jar = {cookie.name: cookie.value or "" for cookie in cookies}
    xsrf = jar["_xsrf"]

    def post(**headers: str) -> int:
        try:
            body = json.dumps(request(study)).encode()
            with browser.open(
                urllib.request.Request(f"{server.url}workbench/request", body, headers)
            ) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    before = filed(study)
    assert post() == 403
    assert post(**{"X-XSRFToken": "another"}) == 403
    assert post(**{"X-XSRFToken": xsrf, "Origin": "http://evil.example"}) in (403, 404)
    assert filed(study) == before
    cookie = "; ".join(f"{name}={value}" for name, value in jar.items())
    for path in ("workbench/watch", feed(study)):
        assert (
            handshake(server, path, token=None, origin="http://evil.example", Cookie=cookie) == 403
        )
        with connected(
            server, path, token=None, origin=server.url.partition("/user/")[0], Cookie=cookie
        ) as socket:
            assert socket.connected


def test_no_path_leads_out_of_the_root(server: Server, study: StudyFolder, tmp_path: Path) -> None:
    secret = make(tmp_path, "secret")
    (server.root / "link").symlink_to(secret.path)
    (server.root / "studies" / "linked").symlink_to(secret.path)
    (server.root / "file").mkdir()
    (server.root / "file" / "study.db").symlink_to(secret.database)
    links = [str(server.root / name) for name in ("link", "studies/linked", "file")]
    outside = [
        str(secret.path),
        "../secret",
        f"{study.path}/../../../../secret",
        "/",
        "/etc/passwd",
    ]
    none = ["", "\0", str(server.root), f"{study.path}/study.db"]
    for path in (*links, *outside, *none):
        assert server.ask("workbench/request", request(path)) == (404, {"message": REFUSAL})
        with connected(server, feed(path)) as socket:
            assert ended(socket) == (4404, REFUSAL)
    assert filed(secret) == []
    status, listing = server.ask("workbench/studies")
    assert status == 200
    assert str(secret.path) not in json.dumps(listing)
    for path in (
        "workbench/..%2f..%2fetc/passwd",
        "workbench/studies/../../api/contents",
        "workbench/",
    ):
        assert server.ask(path)[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b"null",
        b"[" * 100_000,
        json.dumps({"study": 1, "decision_id": 2, "verb": 3, "body": {}}).encode(),
    ],
    ids=["empty", "text", "list", "object", "null", "deep", "numbers"],
)
def test_a_malformed_request_is_refused_with_a_line_that_says_so(
    body: bytes, server: Server
) -> None:
    status, answer = server.ask("workbench/request", body)
    assert status == 400
    assert answer["message"].startswith(("a request must be a JSON object", "study must be a text"))


def test_a_request_that_cannot_be_is_refused_before_it_is_stored(
    server: Server, study: StudyFolder
) -> None:
    before = filed(study)
    for wrong in (
        request(study, "delete"),
        request(study, "set", key="colour", value="red"),
        {**request(study), "body": []},
        {**request(study), "verb": ["guide"]},
        {**request(study), "decision_id": 2},
        {**request(study), "decision_id": "'"},
    ):
        status, answer = server.ask("workbench/request", wrong)
        assert status == 400
        assert answer["message"]
    status, answer = server.ask("workbench/request", b" " * (8 * 1024 * 1024 + 1))
    assert (status, "MiB" in answer["message"]) == (400, True)
    assert filed(study) == before


def test_what_a_feed_may_be_asked_is_no_decision(server: Server, study: StudyFolder) -> None:
    before = filed(study)
    for message in (
        {"type": "request", **request(study)},
        {"type": ["hello"]},
        ["hello"],
        "hello",
        {},
    ):
        with connected(server, feed(study)) as socket:
            socket.send(json.dumps(message))
            assert ended(socket)[0] == 4400
    with connected(server, "workbench/watch") as socket:
        socket.send("{}")
        assert ended(socket)[0] == 4400
    assert filed(study) == before


def test_a_decision_by_post_is_adopted_by_a_loop_that_is_started_for_it_and_the_sockets_tell(
    server: Server, study: StudyFolder
) -> None:
    with connected(server, "workbench/watch") as watch, connected(server, feed(study)) as look:
        first = listen(watch, "studies")
        assert [view["path"] for view in first["studies"]] == [str(study.path)]
        assert first["studies"][0]["folder"] == ""
        look.send(json.dumps(HELLO))
        snapshot = listen(look, "snapshot")
        assert (snapshot["study"]["path"], snapshot["study"]["opened_at"]) == (
            str(study.path),
            first["studies"][0]["opened_at"],
        )

        asked = request(study, "guide", text="try <b>more</b>")
        assert server.ask("workbench/request", asked) == (200, {})
        assert server.ask("workbench/request", asked) == (200, {})
        assert [one.id for one in filed(study)].count(asked["decision_id"]) == 1
        answer = listen(look, "answered")
        assert (answer["decision_id"], answer["adopted"]) == (asked["decision_id"], True)

        while not (
            views := [
                view for view in listen(watch, "studies")["studies"] if view["waiting"] == [1]
            ]
        ):
            pass
        assert views[0]["state"] == "running"
        look.send(json.dumps({"type": "card", "candidate": 1, "context": 3}))
        assert [file["path"] for file in listen(look, "card")["card"]["files"]] == ["solution.py"]
        accept = request(study, "accept", candidate=1)
        assert server.ask("workbench/request", accept) == (200, {})
        assert listen(look, "answered")["adopted"]
        stop = {**request(study, "stop"), "body": {}}
        assert server.ask("workbench/request", stop) == (200, {})
        while "stopped" not in [view["state"] for view in listen(watch, "studies")["studies"]]:
            pass
        assert server.ask("workbench/studies")[1]["studies"][0]["best"] == {
            "candidate": 1,
            "score": 2.0,
        }


def test_nothing_went_wrong_inside(server: Server, study: StudyFolder) -> None:
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "never awaited" not in log
