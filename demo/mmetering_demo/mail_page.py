"""The two pages of the demo's mailbox, as HTML. What stands in a mail is shown as text, never as HTML."""

from collections.abc import Mapping
from email.message import EmailMessage
from html import escape

STYLE = """
:root { color-scheme: light dark; --line: #8883; --soft: #888; --accent: light-dark(#0a6e5c, #5fd3bc); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; font-weight: 600; }
a { color: var(--accent); text-decoration: none; }
ul { list-style: none; padding: 0; border-top: 1px solid var(--line); }
li a { display: grid; gap: 0 1rem; padding: .7rem .3rem; border-bottom: 1px solid var(--line); color: inherit; }
li a:hover { background: var(--line); }
strong { font-weight: 600; }
small, dt { color: var(--soft); font-size: .85rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dd { margin: 0; }
pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { border-top: 1px solid var(--line); padding-top: 1rem; }
"""


def list_page(mails: Mapping[str, EmailMessage]) -> str:
    """Return the list of all mails, which asks for newer ones every 5 s."""
    items = "".join(
        f'<li><a href="/mail/{escape(name)}"><strong>{_header(mail, "Subject")}</strong>'
        f"<small>{_header(mail, 'Date')} to {_header(mail, 'To')}</small></a></li>"
        for name, mail in mails.items()
    )
    content = f"<ul>{items}</ul>" if mails else "<p>No mail yet. Unplug a meter and wait for a moment.</p>"
    return _page("Mails", content, head='<meta http-equiv="refresh" content="5">')


def mail_page(mail: EmailMessage) -> str:
    """Return one mail."""
    headers = "".join(f"<dt>{name}</dt><dd>{_header(mail, name)}</dd>" for name in ("From", "To", "Date"))
    part = mail.get_body(("plain",))
    text = part.get_content() if part else ""
    content = f'<p><a href="/">All mails</a></p><dl>{headers}</dl><pre>{escape(text)}</pre>'
    return _page(str(mail.get("Subject", "")), content)


def _page(title: str, content: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"{head}<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{content}</body></html>"
    )


def _header(mail: EmailMessage, name: str) -> str:
    return escape(str(mail.get(name, "")))
