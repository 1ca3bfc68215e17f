"""What this host lends to cargo is found where cargo itself would look."""

from pathlib import Path

import pytest

from builder.app.cargo import cargo_access
from builder.errors import InputError

MIRROR = '[source.crates-io]\nreplace-with = "mirror"\n'


def test_the_configuration_is_that_of_the_operators_cargo(tmp_path: Path) -> None:
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config.toml").write_text(MIRROR)

    assert "mirror" in cargo_access({"HOME": str(tmp_path)}).configuration
    elsewhere = {"HOME": str(tmp_path), "CARGO_HOME": str(tmp_path / "other")}
    assert cargo_access(elsewhere).configuration == ""


def test_a_configuration_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff")

    with pytest.raises(InputError, match="cannot be read"):
        cargo_access({"CARGO_HOME": str(tmp_path)})


def test_certificates_come_from_cargos_own_setting_first(tmp_path: Path) -> None:
    for name in ("own.pem", "usual.pem"):
        (tmp_path / name).touch()
    variables = {"CARGO_HOME": str(tmp_path), "SSL_CERT_FILE": str(tmp_path / "usual.pem")}

    assert cargo_access(variables).bundle == tmp_path / "usual.pem"
    (tmp_path / "config.toml").write_text(f'[http]\ncainfo = "{tmp_path}/own.pem"\n')
    assert cargo_access(variables).bundle == tmp_path / "own.pem"
    assert cargo_access(variables).configuration == ""


def test_proxies_are_taken_along(tmp_path: Path) -> None:
    variables = {"CARGO_HOME": str(tmp_path), "HTTPS_PROXY": "http://proxy.example:1"}

    assert cargo_access(variables).proxies == (("HTTPS_PROXY", "http://proxy.example:1"),)
