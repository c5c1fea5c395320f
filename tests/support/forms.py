"""A page's form as a browser would send it back: what its controls hold."""

from __future__ import annotations

from html.parser import HTMLParser

from werkzeug.datastructures import MultiDict


class _Controls(HTMLParser):
    """The controls inside `form.form-z`, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: MultiDict[str, str] = MultiDict()
        self._inside = False
        self._select = self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = "form-z" in at.get("class", "").split()
        elif not self._inside:
            return
        elif tag == "input" and at.get("type") in ("checkbox", "radio"):
            if "checked" in at:
                self.sent.add(at["name"], at.get("value", "on"))
        elif tag == "input" and "name" in at:
            self.sent.add(at["name"], at.get("value", ""))
        elif tag == "select":
            self._select = at["name"]
            self.sent[self._select] = ""
        elif tag == "option" and "selected" in at:
            self.sent[self._select] = at["value"]
        elif tag == "textarea":
            self._text = at["name"]
            self.sent[self._text] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea":
            self.sent[self._text], self._text = self.sent[self._text].removeprefix("\n"), ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.sent[self._text] += data


def form_of(page: str) -> MultiDict[str, str]:
    """What saving the page's form unchanged would send."""
    reader = _Controls()
    reader.feed(page)
    assert reader.sent, "no form on this page"
    del reader.sent["csrf_token"]
    return reader.sent
