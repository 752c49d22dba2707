"""The records of all sources: their names, their options, and the keys of [images] that come from them."""

from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import pytest

from patternscope.errors import InputError
from patternscope.images import SOURCES, check_source, count_classes, source_kind
from patternscope.images.readers.registry import source_options
from patternscope.settings.images import ImagesSettings


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_found_by_its_name(name):
    source = SOURCES[name]
    assert source_kind(source.form) == name
    if source.pattern:
        with pytest.raises(InputError, match="source: expected a source of images"):
            source_kind(name)


def test_options_of_one_name_are_one_option_and_a_key_of_the_settings():
    options = source_options()
    for source in SOURCES.values():
        assert all(any(own is option for option in options) for own in source.options)
    settings = ImagesSettings()
    assert list(settings.options) == [option.name for option in options]
    assert set(settings.options.values()) == {None}
    assert settings.options.keys() <= type(settings).model_fields.keys()


@pytest.mark.parametrize("option", source_options(), ids=lambda option: option.name)
def test_an_option_is_refused_by_every_source_without_it(option):
    for source in SOURCES.values():
        folder = None if source.folder == "none" else Path("somewhere")
        if source.has(option.name):
            check_source(source.form, folder, {option.name: 1})
        else:
            with pytest.raises(InputError, match=f"{option.name}: expected source .*, got '{source.form}'"):
                check_source(source.form, folder, {option.name: 1})


def test_settings_can_be_sent_to_other_processes():
    settings = ImagesSettings(source="coco", folder=Path("coco"), margin=0.3)
    assert ForkingPickler.loads(ForkingPickler.dumps(settings)) == settings


def test_the_number_of_classes_is_known_where_names_or_folders_tell(tmp_path):
    for name in ("cat", "dog", "eel"):
        (tmp_path / "train" / name).mkdir(parents=True)
    assert count_classes("folder", tmp_path, None) == 3
    assert count_classes("folder", tmp_path, ["cat", "eel"]) == 2
    assert count_classes("folder", tmp_path / "train" / "cat", None) is None
    assert count_classes("cifar", tmp_path, None) is None
    assert count_classes("cifar", tmp_path, ["a", "b"]) == 2
