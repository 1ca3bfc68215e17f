"""What to do about a failure of cargo."""

import re

_TOO_OLD = (
    "the image's Rust is too old for it: build it in an image with a newer one (`image` in the "
    "package's settings), or constrain the package to an earlier release"
)
_HINTS = {
    r"cannot update the lock file|lock file .* needs to be updated|--locked was passed": (
        "the source's Cargo.lock does not fit its Cargo.toml: add a patch that mends it"
    ),
    r"requires rustc|feature `?[\w-]+`? is required|requires the Cargo feature": _TOO_OLD,
    r"lock file version .* (?:requires|was found)|cannot be built because it requires": _TOO_OLD,
    r"yanked": (
        "a crate was withdrawn: add a patch that names another version of it in Cargo.lock"
    ),
    r"checksum .*(?:changed|mismatch)|failed to verify the checksum": (
        "the registry, or a proxy before it, has other bytes than the Cargo.lock names: find out "
        "who changed them"
    ),
    r"transport '\w+' not allowed": (
        "crates of git repositories are fetched by https alone: add a patch to the Cargo.toml"
    ),
    r"[Cc]ould(?: not|n't) (?:resolve|connect)|[Ff]ailed to connect|timed out|SSL|certificate"
    r"|spurious network error|download of .* failed|failed to (?:download|fetch)": (
        "is the registry reachable from here? A proxy is taken from HTTPS_PROXY, a mirror from "
        "[source] in cargo's own configuration, certificates from SSL_CERT_FILE"
    ),
}


def hint_of(said: str) -> str:
    """What to do, from what cargo printed; empty where nobody knows."""
    return next((hint for pattern, hint in _HINTS.items() if re.search(pattern, said)), "")
