"""Pages of a package index in the form of PEP 503."""

from collections.abc import Sequence
from html import escape


def index_page(title: str, links: Sequence[tuple[str, str]]) -> str:
    """A page of a PEP 503 index: `links` are addresses and what is shown for them."""
    anchors = "".join(f'<a href="{escape(url)}">{escape(text)}</a><br>\n' for url, text in links)
    return (
        "<!DOCTYPE html>\n<html><head>"
        '<meta name="pypi:repository-version" content="1.0">'
        f"<title>{escape(title)}</title></head>\n<body>\n{anchors}</body></html>\n"
    )
