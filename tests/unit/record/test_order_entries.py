"""Build orders are read as tables."""

import json

import pytest

from builder.errors import InputError
from builder.record.order_entries import OrderEntry, read_order_entries


def test_an_entry_keeps_its_own_words() -> None:
    text = json.dumps(
        [
            {
                "req": "PBR>=2",
                "dist": "pbr",
                "version": "7.1.3",
                "prebuilt": False,
                "source_url": "https://files.index.example/pbr-7.1.3.tar.gz",
                "source_url_type": "sdist",
            }
        ]
    )

    assert read_order_entries(text, "o.json") == (
        OrderEntry("pbr", "7.1.3", "PBR>=2", "sdist", pre_built=False),
    )


def test_an_entry_of_long_ago_has_the_kind_of_its_requirement() -> None:
    text = json.dumps([{"dist": "pbr", "version": "1", "type": "build_system", "why": []}])

    assert read_order_entries(text, "o.json")[0].kind == "build_system"


def test_what_is_no_build_order_is_refused_with_the_place() -> None:
    with pytest.raises(InputError, match=r"o\.json: 0\.dist: name is invalid"):
        read_order_entries('[{"dist": "a\\nb", "version": "1"}]', "o.json")
