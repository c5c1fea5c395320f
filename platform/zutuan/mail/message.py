"""A mail as RFC 5322 wants it. Pure: everything is an argument, so the same row always makes the same message."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, unquote

from zutuan.clock import local

LONGEST_SUBJECT = 200
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_FROM = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<spec>[^<>\s]+)>\s*|\s*(?P<bare>[^<>\s]+)\s*")


class BadAddress(ValueError):
    """No mail can be sent to, or from, that."""


@dataclass(frozen=True)
class Letter:
    """What is to be sent to whom. `headers` are ours alone, never a user's."""

    to: str
    subject: str
    text: str
    html: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def address(spec: str, name: str = "") -> Address:
    """A checked address: one recipient, no line break, nothing that a header could take for its end."""
    user, _, domain = spec.strip().rpartition("@")
    if not user or not domain or len(spec) > 254 or _INVISIBLE.search(spec) or re.search(r"\s", spec.strip()):
        raise BadAddress
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
        return Address(display_name=one_line(name), username=unquote(user), domain=ascii_domain)
    except (ValueError, MessageError, IndexError, AttributeError) as error:
        raise BadAddress from error


def sender(text: str) -> Address:
    """`组团 <no-reply@example.cn>` or a bare address, as the configuration has it."""
    match = _FROM.fullmatch(text)
    if match is None:
        raise BadAddress
    return address(match["spec"] or match["bare"], match["name"] or "")


def one_line(text: str) -> str:
    """Without anything that could start another header."""
    return _INVISIBLE.sub(" ", text).strip()


def message_id(key: str, domain: str) -> str:
    """The same for every try at the same thing, so that a mailbox (or a person) can tell a repeat."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def build(letter: Letter, from_: Address, key: str, at: datetime) -> EmailMessage:
    """The message. Raises BadAddress."""
    message = EmailMessage(policy=SMTP)
    message["Message-ID"] = message_id(key, from_.domain)
    message["Date"] = format_datetime(local(at))
    message["From"] = from_
    message["To"] = address(letter.to)
    message["Subject"] = one_line(letter.subject)[:LONGEST_SUBJECT]
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers
    for name, value in letter.headers:
        message[name] = one_line(value)
    message.set_content(letter.text, cte="quoted-printable" if letter.text.isascii() else "base64")
    if letter.html:
        message.add_alternative(letter.html, subtype="html", cte="base64")
    return message
