"""Requirements files are read as pip reads them, or refused with a place and a hint."""

import codecs
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.domain.digests import Digest
from builder.errors import InputError
from builder.resolve.requirements_file import (
    ParsedRequirements,
    RequirementLine,
    parse_requirement,
    read_requirements,
)

ZEROS = "0" * 64
ONES = "1" * 64


def no_network(url: str) -> bytes:
    raise AssertionError(f"nobody should ask for {url}")


def read(file: Path, variables: Mapping[str, str] | None = None) -> ParsedRequirements:
    return read_requirements([str(file)], [], variables or {}, no_network)


def read_text(folder: Path, text: str | bytes) -> ParsedRequirements:
    file = folder / "requirements.txt"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(file)


def texts(lines: tuple[RequirementLine, ...]) -> list[str]:
    return [str(it.requirement) for it in lines]


def outcome(folder: Path, text: str) -> str:
    """The hint of the refusal, or what there was to read."""
    try:
        return f"read: {texts(read_text(folder, text).requirements)}"
    except InputError as error:
        return error.hint


def places(lines: tuple[RequirementLine, ...]) -> list[str]:
    return [f"{Path(it.origin).name}" for it in lines]


def test_requirements_come_in_order_with_the_place_where_they_begin(tmp_path: Path) -> None:
    parsed = read_text(tmp_path, "# head\nnumpy>=2\n\nlxml[html] \\\n  ==5.0 # why\nsix\n")

    assert texts(parsed.requirements) == ["numpy>=2", "lxml[html]==5.0", "six"]
    assert places(parsed.requirements) == [
        "requirements.txt:2",
        "requirements.txt:4",
        "requirements.txt:6",
    ]


def test_a_hash_sign_within_a_url_is_no_comment(tmp_path: Path) -> None:
    parsed = read_text(tmp_path, "a @ https://index.example/a.zip#subdirectory=x # note\n")

    assert parsed.requirements[0].requirement.url == "https://index.example/a.zip#subdirectory=x"


def test_hashes_are_kept_with_their_requirement(tmp_path: Path) -> None:
    text = f"a==1 ; python_version>'3' \\\n --hash=sha256:{ZEROS} \\\n --hash sha256:{ONES}\n"

    line = read_text(tmp_path, text).requirements[0]

    assert line.hashes == (Digest(ZEROS), Digest(ONES))
    assert str(line.requirement.marker) == 'python_version > "3"'


def test_included_files_are_found_beside_the_including_one(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/more.txt").write_text("b\n-c ../limits.txt\n")
    (tmp_path / "limits.txt").write_text("c<2\n-r others.txt")
    (tmp_path / "others.txt").write_text("d<3")

    parsed = read_text(tmp_path, "a\n-rsub/more.txt\n--requirement 'sub/more.txt'\ne\n")

    assert texts(parsed.requirements) == ["a", "b", "e"]
    assert texts(parsed.constraints) == ["c<2", "d<3"]
    assert places(parsed.constraints) == ["limits.txt:1", "others.txt:1"]


def test_files_that_include_each_other_are_an_error_that_names_both(tmp_path: Path) -> None:
    (tmp_path / "more.txt").write_text("-r requirements.txt")

    with pytest.raises(InputError, match=r"requirements\.txt includes .*more\.txt includes"):
        read_text(tmp_path, "-r more.txt")


def test_a_file_that_is_included_twice_counts_once(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n-r {number + 1}.txt\n")
    (tmp_path / "40.txt").write_text("a")

    assert texts(read(tmp_path / "0.txt").requirements) == ["a"]


def test_too_deep_inclusion_is_an_error(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")

    with pytest.raises(InputError, match="levels deep"):
        read(tmp_path / "0.txt")


def test_variables_are_filled_in_from_the_given_mapping(tmp_path: Path) -> None:
    file = tmp_path / "r.txt"
    file.write_text("a==${A_VERSION} # ${NOT_SET}")

    parsed = read(file, {"A_VERSION": "1.5"})

    assert texts(parsed.requirements) == ["a==1.5"]


def test_a_variable_that_is_not_set_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="TOKEN is not set") as caught:
        read_text(tmp_path, "--index-url https://${TOKEN}@index.example/simple/")

    assert "TOKEN" in caught.value.hint


def test_messages_show_neither_variables_nor_passwords(tmp_path: Path) -> None:
    file = tmp_path / "r.txt"
    file.write_text("a @ ${WHERE} nonsense https://me:s3cret@index.example/")

    with pytest.raises(InputError) as caught:
        read(file, {"WHERE": "https://me:t0ken@index.example/"})

    assert "${WHERE}" in caught.value.message
    assert "s3cret" not in caught.value.message
    assert "t0ken" not in caught.value.message


def test_indexes_are_handed_out_as_data(tmp_path: Path) -> None:
    text = """
    -i https://one.example/simple
    --extra-index-url=https://two.example/simple
    --extra-index-url https://three.example/simple
    --require-hashes --no-binary :all:
    """

    parsed = read_text(tmp_path, text)

    assert parsed.index_url == "https://one.example/simple"
    assert parsed.extra_index_urls == (
        "https://two.example/simple",
        "https://three.example/simple",
    )
    assert parsed.require_hashes


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + "a # é".encode(),
        codecs.BOM_UTF16_LE + "a # é".encode("utf-16-le"),
        codecs.BOM_UTF32_BE + "a # é".encode("utf-32-be"),
        "# -*- coding: latin-1 -*-\na # é".encode("latin-1"),
        "a\r\n# é\r\n".encode(),
    ],
)
def test_encodings_are_recognised(tmp_path: Path, content: bytes) -> None:
    assert texts(read_text(tmp_path, content).requirements) == ["a"]


@pytest.mark.parametrize("content", [b"a # \xe9", b"# coding: klingon\na"])
def test_what_is_not_text_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match="is not text in"):
        read_text(tmp_path, content)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("-e .", "--editable is not supported"),
        ("./local", "a local path is not supported"),
        ("../local[extra]", "a local path is not supported"),
        ("sub/folder", "a local path is not supported"),
        ("wheels/a-1-py3-none-any.whl", "a local path is not supported"),
        ("a-1.tar.gz", "a local path is not supported"),
        ("a @ ./local", "a reference to a local path is not supported"),
        ("https://index.example/a-1.tar.gz", "a URL without a name is not supported"),
        ("git+https://git.example/a.git ; os_name>'x'", "extras and markers need a name"),
        ("--find-links wheels", "--find-links is not supported"),
        ("--no-index", "--no-index is not supported"),
        ("--pre", "--pre is not supported"),
        ("--only-binary :all:", "--only-binary is not supported"),
        ("--trusted-host index.example", "--trusted-host is not supported"),
        ("a --config-settings x=y", "--config-settings may not follow a requirement"),
        ("a -e .", "--editable may not follow a requirement"),
        ("--frobnicate", "--frobnicate is not an option"),
        ("--index-url", "--index-url needs a value"),
        ("--index-url=", "--index-url needs a value"),
        ("--require-hashes=yes", "--require-hashes takes no value"),
        ("-r a.txt b.txt", "'b.txt' stands after an option"),
        ("-r 'a.txt", "the quotes do not match"),
        ("a --hash=md5:00", "only sha256 is supported, not 'md5'"),
        ("a --hash=sha256:00", "not a sha256 digest"),
        (f"--hash=sha256:{ZEROS}", "there is no requirement before --hash"),
        ("a==", "not a requirement"),
        ("a b", "not a requirement"),
        ("nümpy", "not a requirement"),
        ("a;python_version<'3'#x", "not a requirement"),
    ],
)
def test_unusable_lines_are_refused_with_place_text_and_hint(
    tmp_path: Path, line: str, problem: str
) -> None:
    with pytest.raises(InputError) as caught:
        read_text(tmp_path, f"\n{line}\n")

    assert "requirements.txt:2: " in caught.value.message
    assert problem in caught.value.message
    assert line in caught.value.message
    assert caught.value.hint


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.txt could not be read"):
        read_text(tmp_path, "-r gone.txt")


def test_files_behind_urls_are_fetched_and_include_from_the_same_place() -> None:
    answers = {
        "https://index.example/x/y/r.txt?ref=1": b"a\n-r ../z.txt\n-c /top.txt\n",
        "https://index.example/x/z.txt": b"b",
        "https://index.example/top.txt": b"c<1",
    }

    parsed = read_requirements(
        ["https://index.example/x/y/r.txt?ref=1"], [], {}, answers.__getitem__
    )

    assert texts(parsed.requirements) == ["a", "b"]
    assert texts(parsed.constraints) == ["c<1"]


def test_a_file_from_afar_does_not_include_a_local_one() -> None:
    with pytest.raises(InputError, match="may not include one from file"):
        read_requirements(
            ["https://index.example/r.txt"], [], {}, lambda _: b"-r file:///etc/passwd"
        )


def test_unprotected_urls_are_refused() -> None:
    with pytest.raises(InputError, match="not read over http:"):
        read_requirements(["http://index.example/r.txt"], [], {}, no_network)


def test_a_requirement_from_elsewhere_gets_the_same_messages() -> None:
    assert str(parse_requirement("A[b]>1", "command line")) == "A[b]>1"
    with pytest.raises(InputError, match=r"^command line: a local path is not supported: \./x$"):
        parse_requirement("./x", "command line")


@given(
    st.text(alphabet=st.sampled_from("ab-=\\#\n\r\t '\"${}:/.@;<>[]rce\x0c\u2028é0,~"), max_size=60)
)
def test_any_text_is_either_read_or_refused_with_a_hint(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    folder = tmp_path_factory.getbasetemp()

    assert outcome(folder, text)


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,5}", fullmatch=True),
            st.sampled_from(["", "==1.0", ">=2,<3", "!=1.*"]),
            st.sampled_from(["", " ; python_version > '3.8'"]),
            st.sampled_from(["", f" --hash=sha256:{ZEROS}", f" \\\n\t--hash=sha256:{ONES}"]),
            st.sampled_from(["", " # why", "\n# note", "\n\n"]),
        ),
        max_size=8,
    )
)
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str, str, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()

    parsed = read_text(folder, "\n".join("".join(row) for row in rows))

    assert [it.requirement.name for it in parsed.requirements] == [row[0] for row in rows]
    assert [len(it.hashes) for it in parsed.requirements] == [int(bool(row[3])) for row in rows]
