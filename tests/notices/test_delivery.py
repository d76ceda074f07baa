"""Delivery: e-mails and signed web hooks are sent once, what fails is sent later, and in the end it is given up."""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from hashlib import sha256
from threading import Event, Thread
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notices import outbox, receivers
from notices.delivery import SIGNATURE, WAITS, deliver, signature
from notices.hooks import faults, switch_hook
from notices.models import Notice, WebHook
from tests.notices.conftest import SECRET, HookServer
from tests.people_made import person
from vault import expiry
from vault.email_texts import EmailText

pytestmark = pytest.mark.django_db


def waiting(receiver: receivers.Receiver, key: str = "a") -> Notice:
    """Put a notice into the outbox."""
    outbox.put(
        "overdue", key, [receiver], EmailText("Overdue", "Two courses.\n"), {"kind": "overdue", "courses": 2}
    )
    return Notice.objects.latest("pk")


def test_an_email_is_sent_once(by_mail: None) -> None:
    ada = person("ada")
    notice = waiting(receivers.Receiver(ada.email, ada))
    assert [deliver(), deliver()] == [(1, 0), (0, 0)]
    [sent] = mail.outbox
    assert (sent.subject, sent.body, sent.to) == ("Overdue", "Two courses.\n", ["ada@example.org"])
    assert sent.extra_headers["Message-ID"].startswith(f"<notice-{notice.pk}@")
    notice.refresh_from_db()
    assert notice.sent is not None


def test_a_receiver_has_one_notice_of_a_key(by_mail: None) -> None:
    for _ in range(2):
        waiting(receivers.Receiver("ada@example.org"))
    waiting(receivers.Receiver("tess@example.org"))
    assert Notice.objects.count() == 2


def test_a_web_hook_gets_signed_json(hook: WebHook, hook_server: HookServer) -> None:
    notice = waiting(receivers.Receiver(hook=hook))
    assert deliver() == (1, 0)
    [(headers, body)] = hook_server.got
    assert headers["path"] == "/hook?a=1"
    moment, proof = (part.partition("=")[2] for part in headers[SIGNATURE].split(","))
    assert proof == hmac.new(SECRET.encode(), f"{moment}.".encode() + body, sha256).hexdigest()
    data = json.loads(body)
    assert (data["id"], data["kind"], data["courses"]) == (notice.pk, "overdue", 2)
    assert signature(SECRET, body + b" ", int(moment)) != headers[SIGNATURE]


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_web_hook_that_does_not_take_it_gets_it_again_later(
    status: int, hook: WebHook, hook_server: HookServer
) -> None:
    notice = waiting(receivers.Receiver(hook=hook))
    hook_server.status = status
    assert deliver() == (0, 1)
    notice.refresh_from_db()
    assert f"status {status}" in notice.error
    assert deliver() == (0, 0)
    hook_server.status = 200
    assert deliver(now=timezone.now() + timedelta(minutes=2)) == (1, 0)
    assert [headers["path"] for headers, _ in hook_server.got] == ["/hook?a=1"] * 2
    assert {json.loads(body)["id"] for _, body in hook_server.got} == {notice.pk}


def test_a_server_that_is_not_there_is_no_fault_of_the_program(
    hook: WebHook, hook_server: HookServer
) -> None:
    WebHook.objects.update(url="http://127.0.0.1:9/hook")
    notice = waiting(receivers.Receiver(hook=hook))
    assert deliver() == (0, 1)
    notice.refresh_from_db()
    assert notice.error


def test_a_mail_server_that_fails_is_tried_again_and_given_up_in_the_end(
    by_mail: None, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "tests.notices.mail_servers.Refusing"
    notice = waiting(receivers.Receiver("ada@example.org"))
    moment = timezone.now()
    for wait in WAITS:
        assert deliver(now=moment) == (0, 1)
        assert deliver(now=moment + wait - timedelta(seconds=1)) == (0, 0)
        moment += wait
    assert Notice.objects.get().given_up is None
    assert [deliver(now=moment), deliver(now=moment + timedelta(days=2))] == [(0, 1), (0, 0)]
    notice.refresh_from_db()
    assert notice.given_up is not None
    assert notice.attempts == len(WAITS) + 1


def test_a_receiver_is_tried_for_nearly_two_days() -> None:
    assert timedelta(hours=46) <= sum(WAITS, timedelta()) <= timedelta(hours=48)


def test_one_receiver_that_fails_does_not_hold_the_others(
    hook: WebHook, hook_server: HookServer, by_mail: None
) -> None:
    hook_server.status = 500
    waiting(receivers.Receiver(hook=hook))
    waiting(receivers.Receiver("ada@example.org"))
    assert deliver() == (1, 1)


@contextmanager
def dripping(answers: Sequence[bytes] = (b"HTTP/1.1 200 OK\r\nX-Long: ",)) -> Iterator[int]:
    """A server that gives some answers, and then sends a byte now and then and never the end; yields its port.

    Between two answers it reads what the client says.
    """
    stop = Event()

    def serve(listener: socket.socket) -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                for number, answer in enumerate(answers):
                    if number:
                        connection.recv(65536)
                    connection.sendall(answer)
                while not stop.wait(0.02):
                    connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        thread = Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join(20)


def test_a_receiver_that_drips_its_answer_is_given_up_after_the_time_limit(
    hook: WebHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notices.delivery.TIMEOUT", 0.3)
    notice = waiting(receivers.Receiver(hook=hook))
    with dripping() as port:
        WebHook.objects.update(url=f"http://127.0.0.1:{port}/")
        assert deliver() == (0, 1)
    notice.refresh_from_db()
    assert "did not answer within 0.3 seconds" in notice.error


GREETING, HELLO, TAKEN = b"220 mail\r\n", b"250 mail\r\n", b"250 OK\r\n"


@pytest.mark.parametrize(
    ("answers", "encrypted"),
    [
        ([b"220-"], False),
        ([GREETING, b"250-"], False),
        ([GREETING, HELLO, b"250-"], False),
        ([GREETING, HELLO, TAKEN, TAKEN, b"354 go\r\n", b"250-"], False),
        ([b"\x16\x03\x03\x3f\xff"], True),
    ],
)
def test_a_mail_server_that_drips_its_answer_is_given_up_after_the_time_limit(
    answers: list[bytes], encrypted: bool, settings: Any
) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_IS_SET = "notices.mail_server.EmailBackend", True
    settings.EMAIL_TIMEOUT, settings.EMAIL_USE_SSL = 0.5, encrypted
    notice = waiting(receivers.Receiver("ada@example.org"))
    with dripping(answers) as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        assert deliver() == (0, 1)
    notice.refresh_from_db()
    assert notice.error == "127.0.0.1 did not answer within 0.5 seconds."


def test_an_email_that_the_server_took_is_sent_though_it_drips_its_farewell(settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_IS_SET = "notices.mail_server.EmailBackend", True
    settings.EMAIL_TIMEOUT = 0.5
    waiting(receivers.Receiver("ada@example.org"))
    with dripping([GREETING, HELLO, TAKEN, TAKEN, b"354 go\r\n", TAKEN, b"221-"]) as port:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        assert deliver() == (1, 0)


def test_after_a_failure_the_other_notices_of_the_receiver_wait_without_a_request(
    hook: WebHook, hook_server: HookServer
) -> None:
    for key in "abc":
        waiting(receivers.Receiver(hook=hook), key)
    hook_server.status = 500
    assert deliver() == (0, 3)
    assert len(hook_server.got) == 1
    assert set(Notice.objects.values_list("attempts", "error")) == {
        (1, "127.0.0.1 answered with the status 500.")
    }
    hook_server.status = 200
    assert deliver(now=timezone.now() + timedelta(minutes=2)) == (3, 0)


def test_what_waits_for_a_web_hook_that_is_off_is_sent_when_it_is_on_again(
    hook: WebHook, hook_server: HookServer
) -> None:
    notice = waiting(receivers.Receiver(hook=hook))
    switch_hook(hook, False, by=None)
    assert deliver(now=timezone.now() + timedelta(days=9)) == (0, 0)
    notice.refresh_from_db()
    assert (notice.attempts, notice.given_up) == (0, None)
    switch_hook(hook, True, by=None)
    assert deliver() == (1, 0)


def test_a_web_hook_that_is_off_gets_no_test(hook: WebHook, client: Client) -> None:
    client.force_login(person("root", is_superuser=True))
    switch_hook(hook, False, by=None)
    answer = client.post(reverse("hook", args=[hook.pk]), {"change": "test"})
    assert answer.status_code == 400
    assert "is off" in answer.content.decode()
    assert not Notice.objects.exists()
    assert 'value="test"' not in client.get(reverse("notices")).content.decode()


def test_a_notice_that_another_process_has_claimed_is_left_to_it(
    by_mail: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice = waiting(receivers.Receiver("ada@example.org"))

    def claimed_meanwhile(*_: Any, **__: Any) -> Any:
        found = list(Notice.objects.all())
        Notice.objects.filter(pk=notice.pk).update(attempts=1)
        return found

    class Rows:
        def __getitem__(self, _: Any) -> Any:
            return claimed_meanwhile()

    monkeypatch.setattr("django.db.models.query.QuerySet.order_by", lambda *_: Rows())
    assert deliver() == (0, 0)
    assert mail.outbox == []


def test_a_secret_that_the_site_cannot_read_any_more_says_what_to_do(
    hook: WebHook, hook_server: HookServer, settings: Any
) -> None:
    notice = waiting(receivers.Receiver(hook=hook))
    settings.SITE_KEY = "another key"
    assert deliver() == (0, 1)
    notice.refresh_from_db()
    assert "Remove the web hook and make it again." in notice.error
    assert hook_server.got == []


def test_the_secret_of_a_web_hook_is_not_in_the_database(hook: WebHook) -> None:
    assert SECRET not in WebHook.objects.get().secret


def test_a_web_hook_that_is_off_gets_nothing_new(hook: WebHook) -> None:
    switch_hook(hook, False, by=None)
    assert receivers.hooks() == []


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "example.org",
            "ftp://example.org",
            "http://",
            "file:///etc/passwd",
            "https://u:p@example.org/",
        ),
        *("http://[", "https://example.org/ a", "https://example.org/\r\nX: 1", "http://e:99999999/"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    assert [field for field, _ in faults("Chat", url, SECRET)] == ["url"]


def test_old_notices_expire_and_those_that_wait_stay(by_mail: None) -> None:
    for key in ("sent", "waits"):
        waiting(receivers.Receiver("ada@example.org"), key)
    Notice.objects.update(created=timezone.now() - timedelta(days=200))
    Notice.objects.filter(key="sent").update(sent=timezone.now() - timedelta(days=199))
    assert expiry.sweep() == {"notices": 1}
    assert Notice.objects.get().key == "waits"
