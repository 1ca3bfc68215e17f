"""What variants.yaml says, and what is told of one that says it wrongly."""

from dataclasses import replace
from pathlib import Path

import pytest

from builder.app.settings import Settings
from builder.domain.variants import Variant
from builder.errors import InputError
from builder.overrides.variants import read_variants, unknown_bases

NOWHERE = Path("nowhere")


def variants(folder: Path, text: str) -> dict[str, Variant]:
    file = folder / "variants.yaml"
    file.write_text(text)
    return dict(read_variants(file))


def problems(folder: Path, text: str) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        variants(folder, text)
    return caught.value.message.replace(f"{folder}/", ""), caught.value.hint


def test_a_variant_is_an_image_and_the_variants_it_is_based_on(tmp_path: Path) -> None:
    text = """
        cuda-aarch64:
          image: cuda-arm
          based_on: [cuda, aarch64]
          environment: {ARCHS: 90}
          description: CUDA on Arm
        """

    found = variants(tmp_path, text)

    assert found == {
        "cuda-aarch64": Variant(
            "cuda-aarch64",
            "cuda-arm",
            ("cuda", "aarch64"),
            (("ARCHS", "90"),),
            "CUDA on Arm",
        )
    }
    assert found["cuda-aarch64"].layers == ("cuda", "aarch64", "cuda-aarch64")


def test_a_missing_or_empty_file_defines_nothing(tmp_path: Path) -> None:
    assert read_variants(tmp_path / "none.yaml") == {}
    assert variants(tmp_path, "") == {}
    assert variants(tmp_path, "cuda:") == {"cuda": Variant("cuda")}


def test_bases_of_bases_count_each_once_and_before_what_is_based_on_them(tmp_path: Path) -> None:
    text = """
        own: {based_on: [left, right], environment: {A: 4}}
        left: {based_on: [bottom], environment: {A: 2}}
        right: {based_on: [bottom], environment: {A: 3}}
        bottom: {based_on: [unknown], environment: {A: 1}}
        """

    found = variants(tmp_path, text)["own"]

    assert found.layers == ("unknown", "bottom", "left", "right", "own")
    assert found.environment == (("A", "1"), ("A", "2"), ("A", "3"), ("A", "4"))


def test_an_image_is_not_handed_on(tmp_path: Path) -> None:
    found = variants(tmp_path, "a: {image: x}\nb: {based_on: [a]}")

    assert found["b"].image == ""


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "a: {based_on: [b]}\nb:\n  based_on: [c]\nc: {based_on: [b]}",
            (
                "variants.yaml:3: b.based_on: 'b' would be based on itself: b → c → b\n"
                "variants.yaml:4: c.based_on: 'c' would be based on itself: c → b → c"
            ),
            "take one of these names out of its based_on",
        ),
        (
            "a: {based_on: [a]}",
            "variants.yaml:1: a.based_on: 'a' would be based on itself: a → a",
            "take one of these names out of its based_on",
        ),
        (
            "a:\n  enviroment: {}",
            "variants.yaml:2: a.enviroment: there is no such field",
            "did you mean 'environment'?",
        ),
        (
            "a:\n  environment:\n    X: $(id)",
            "variants.yaml:3: a.environment.X: `$(` would run a command, which no value can do",
            "builder lint shows every problem of the overrides",
        ),
        (
            "a:\n  image: two words",
            (
                "variants.yaml:2: a.image: 'two words' is neither the name of an image nor a "
                "registry's reference"
            ),
            "builder lint shows every problem of the overrides",
        ),
        (
            "a/b: {}",
            (
                "variants.yaml:1: a/b: 'a/b' is no name of a variant: letters, digits, '.', '_', "
                "'+' and '-' make one"
            ),
            "builder lint shows every problem of the overrides",
        ),
        (
            "a: {}\na: {}",
            "variants.yaml:2: 'a' stands here again, after line 1",
            "builder lint shows every problem of the overrides",
        ),
        (
            "[a]",
            "variants.yaml:1: must hold fields, such as `cuda-aarch64:`",
            "builder lint shows every problem of the overrides",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    text: str, message: str, hint: str, tmp_path: Path
) -> None:
    assert problems(tmp_path, text) == (message, hint)


def test_a_base_that_nothing_is_laid_down_for_is_a_likely_mistake(tmp_path: Path) -> None:
    file = tmp_path / "variants.yaml"
    file.write_text("a:\n  based_on: [cuda, cdua, b, strange]\nb: {}")

    found = [(str(it).replace(f"{file}", "F"), it.hint) for it in unknown_bases(file, {"cuda"})]

    assert found == [
        (
            "F:2: a.based_on[1]: 'cdua' has no settings, no image and no definition",
            "did you mean 'cuda'?",
        ),
        ("F:2: a.based_on[3]: 'strange' has no settings, no image and no definition", ""),
    ]


def test_another_variant_of_the_same_settings_has_its_own_definition() -> None:
    settings = Settings(
        sdists_repo=NOWHERE,
        wheels_repo=NOWHERE,
        work_dir=NOWHERE,
        cache=NOWHERE,
        images_folders=(),
        variables={},
        variants={"a": Variant("a", image="of-a", based_on=("b",)), "b": Variant("b")},
        variant="a",
    )

    assert (settings.image_name, settings.definition.layers) == ("of-a", ("b", "a"))
    for name in ("b", "c"):
        other = replace(settings, variant=name)
        assert (other.image_name, other.definition.layers) == (name, (name,))
    assert replace(settings, image="chosen").image_name == "chosen"
