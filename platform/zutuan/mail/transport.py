"""Where mail goes: an SMTP server, or a folder of .eml files (the demonstration), or nowhere."""

from __future__ import annotations

import ipaddress
import os
import re
import smtplib
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from zutuan.config import Config, Smtp
from zutuan.jobs import Away

# For each answer of the server. A mail takes about eight, which stays below an errand's lease.
TIMEOUT_SECONDS = 15.0
FAREWELL_SECONDS = 2.0
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}")


class Refused(Exception):
    """The server is there and does not want this mail; `lasting` (5xx) means that it says so for good."""

    def __init__(self, code: int, said: bytes | str = b"") -> None:
        raw = said if isinstance(said, bytes) else said.encode(errors="replace")
        detail = _ENHANCED.search(raw)
        # Never the server's own words: they may quote the mail.
        super().__init__(f"SMTP {code}" + (f" ({detail[0].decode()})" if detail else ""))
        self.lasting = 500 <= code < 600


class Transport(Protocol):
    def send(self, message: EmailMessage) -> None:
        """Hand the mail over. Raises `Away` (nobody's mail goes now) or `Refused` (this one's not)."""


class SmtpTransport:
    def __init__(self, server: Smtp, hello: str, timeout: float = TIMEOUT_SECONDS) -> None:
        self.server, self.hello, self.timeout = server, hello, timeout

    def send(self, message: EmailMessage) -> None:
        # A refusal of the sender or of the sign-in concerns every mail, so it is somebody's to mend and only delays.
        try:
            with self._connected() as smtp:
                smtp.send_message(message, from_addr=parseaddr(str(message["From"]))[1])
        except smtplib.SMTPRecipientsRefused as error:
            raise _refusal(*next(iter(error.recipients.values()))) from None
        except smtplib.SMTPDataError as error:
            raise _refusal(error.smtp_code, error.smtp_error) from None
        except smtplib.SMTPNotSupportedError:
            raise Refused(553, b"5.6.7") from None
        except smtplib.SMTPResponseException as error:
            raise Away(f"SMTP {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Away(type(error).__name__) from None

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        where, context, name = self.server, ssl.create_default_context(), self.hello
        if where.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(where.host, where.port, name, timeout=self.timeout, context=context)
        else:
            smtp = smtplib.SMTP(where.host, where.port, name, timeout=self.timeout)
        try:
            if where.security == "starttls":
                smtp.starttls(context=context)
            if where.user:
                smtp.login(where.user, where.password)
            yield smtp
        finally:
            self._leave(smtp)

    @staticmethod
    def _leave(smtp: smtplib.SMTP) -> None:
        """Whatever the farewell brings, the mail has been taken or refused before it."""
        with suppress(OSError, smtplib.SMTPException):
            if smtp.sock is not None:
                smtp.sock.settimeout(FAREWELL_SECONDS)
                smtp.quit()
        smtp.close()


def _refusal(code: int, said: bytes | str) -> Exception:
    """421 closes the door for everybody; anything else is about this one mail."""
    return Away("SMTP 421") if code == 421 else Refused(code, said)


def _hello(config: Config) -> str:
    """How we introduce ourselves; without it smtplib would ask DNS, which may take long where there is none."""
    host = urlsplit(config.url).hostname or "localhost"
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        return host.encode("idna").decode("ascii")
    return f"[IPv6:{host}]" if version == 6 else f"[{host}]"


class FolderTransport:
    """One file a mail, named by its date and Message-ID: a repeat replaces what it repeats."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: EmailMessage) -> None:
        moment = message["Date"].datetime
        name = f"{moment:%Y%m%d-%H%M%S}-{str(message['Message-ID']).strip('<>').split('@')[0][:16]}.eml"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, path = tempfile.mkstemp(dir=self.folder, suffix=".part")
            with os.fdopen(handle, "wb") as file:
                file.write(message.as_bytes())
            os.replace(path, self.folder / name)
        except OSError as error:
            raise Away(type(error).__name__) from None


def make_transport(config: Config) -> Transport | None:
    """None: mail is not set up here."""
    if config.smtp is not None:
        return SmtpTransport(config.smtp, _hello(config))
    return FolderTransport(config.mail_dir) if config.mail_dir is not None else None
