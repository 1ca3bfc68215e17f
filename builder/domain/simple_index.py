"""Pages of a package index in the form of PEP 503."""

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from builder.shipped import shipped_folder


def index_page(title: str, links: Sequence[tuple[str, str]]) -> str:
    """A page of an index: `links` are addresses and what is shown for them."""
    return _template().render(title=title, links=links)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(shipped_folder("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("simple-index.html.j2")
