"""Of a release's wheels, the target gets the one that is most its own."""

from packaging.tags import parse_tag

from builder.domain.releases import RemoteFile
from builder.resolve.wheel_choice import fitting_wheels

TAGS = parse_tag("cp313-cp313-linux_s390x") | parse_tag("py3-none-any")


def names(*filenames: str, yanked: str = "", tags: object = TAGS) -> list[str]:
    files = [
        RemoteFile(it, f"https://index.example/{it}", None, yanked="" if it == yanked else None)
        for it in filenames
    ]
    return [it.filename for it in fitting_wheels(files, tags)]  # type: ignore[arg-type]


def test_a_wheel_for_just_this_platform_comes_before_one_for_any() -> None:
    assert names("a-1-py3-none-any.whl", "a-1-cp313-cp313-linux_s390x.whl") == [
        "a-1-cp313-cp313-linux_s390x.whl",
        "a-1-py3-none-any.whl",
    ]


def test_what_the_target_cannot_install_does_not_fit() -> None:
    assert names("a-1-cp39-cp39-win32.whl", "a-1.tar.gz", "nonsense.whl") == []


def test_the_highest_build_tag_wins_and_a_yanked_wheel_comes_last() -> None:
    files = ("a-1-2-py3-none-any.whl", "a-1-10-py3-none-any.whl", "a-1-py3-none-any.whl")

    assert names(*files) == [files[1], files[0], files[2]]
    assert names(*files, yanked=files[1]) == [files[0], files[2], files[1]]


def test_without_a_target_every_wheel_fits() -> None:
    assert names("a-1-cp39-cp39-win32.whl", "nonsense.whl", tags=None) == [
        "a-1-cp39-cp39-win32.whl"
    ]
