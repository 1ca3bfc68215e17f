"""What a command without a progress view tells of events."""

from builder.cli.telling import tell, warn
from builder.domain.events import Event, Noted


def tell_note(event: Event) -> None:
    """Tells what is worth a line; everything else is for progress views."""
    if isinstance(event, Noted):
        (warn if event.warning else tell)(event.text)
