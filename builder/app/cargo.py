"""How cargo reaches registries from this host: what the operator has laid down for it."""

import ssl
import tomllib
from collections.abc import Mapping
from pathlib import Path

from builder.errors import InputError
from builder.prepare.cargo_configuration import CargoAccess, operators_configuration, proxies_of

_BUNDLES = ("CARGO_HTTP_CAINFO", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_USUAL_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def cargo_access(variables: Mapping[str, str]) -> CargoAccess:
    """What the operator's environment and own cargo configuration say.

    Raises:
        InputError: that configuration cannot be used.
    """
    file = _configuration(variables)
    text = ""
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{file}: cannot be read: {error}") from error
    return CargoAccess(
        operators_configuration(text, str(file)),
        proxies_of(variables),
        _bundle(variables, text),
    )


def _configuration(variables: Mapping[str, str]) -> Path | None:
    home = variables.get("CARGO_HOME") or f"{variables.get('HOME', '/nonexistent')}/.cargo"
    files = (Path(home) / "config.toml", Path(home) / "config")
    return next((file for file in files if file.is_file()), None)


def _bundle(variables: Mapping[str, str], configuration: str) -> Path | None:
    http = tomllib.loads(configuration).get("http", {})
    named = http.get("cainfo") if isinstance(http, dict) else None
    given = [str(named)] if named else []
    given += [variables[name] for name in _BUNDLES if variables.get(name)]
    usual = [ssl.get_default_verify_paths().cafile or "", *_USUAL_BUNDLES]
    found = (Path(path).resolve() for path in (*given, *filter(None, usual)))
    return next((path for path in found if path.is_file()), None)
