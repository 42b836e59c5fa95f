from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from clipsearch.encode.names import is_harmless
from clipsearch.encode.offers import Offer, find_offer, offers
from clipsearch.errors import ClipsearchError
from clipsearch.paths import resource_path

FREE = {"MIT", "Apache-2.0"}


def test_each_offer_is_complete_and_free_to_use() -> None:
    for offer in offers():
        assert offer.licence in FREE
        assert is_harmless(offer.name)
        assert offer.speed in {"fast", "medium", "slow"}
        assert offer.dim > 0 < offer.size_px
        assert offer.languages
        assert offer.accuracy is None or 50 < offer.accuracy < 90
        assert offer.ways
        assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", way.repository) for way in offer.ways)


def test_names_and_repositories_are_unique_on_every_disk() -> None:
    names = [offer.name.casefold() for offer in offers()]
    repositories = [way.repository for offer in offers() for way in offer.ways]
    assert len(set(names)) == len(names)
    assert len(set(repositories)) == len(repositories)
    assert "starter" not in names


def test_what_needs_no_torch_comes_first() -> None:
    for offer in offers():
        forms = [way.form for way in offer.ways]
        assert forms == sorted(forms, key=["onnx", "checkpoint"].index)
        assert offer.needs_conversion == ("onnx" not in forms)


def test_a_light_and_a_balanced_model_are_recommended() -> None:
    recommended = [offer for offer in offers() if offer.recommended]
    assert [offer.architecture for offer in recommended] == ["ViT-B-32-256", "ViT-B-32-SigLIP2-256"]
    assert offers()[: len(recommended)] == tuple(recommended)


def test_no_revision_is_claimed_that_nobody_verified() -> None:
    values = json.loads(resource_path("models/offers.json").read_text("utf-8"))
    assert {way["revision"] for offer in values for way in offer["ways"]} == {None}


@pytest.mark.parametrize("name", ["ViT-B-32__openai", "vit-b-32__OPENAI"])
def test_an_offer_is_found_by_name(name: str) -> None:
    assert find_offer(name).name == "ViT-B-32__openai"


def test_the_architecture_will_do_where_only_one_model_has_it() -> None:
    assert find_offer("vit-l-14").name == "ViT-L-14__datacomp_xl_s13b_b90k"
    with pytest.raises(ClipsearchError, match="Did you mean ViT-B-32__openai or ViT-B-32__laion2b_s34b_b79k"):
        find_offer("ViT-B-32")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("VIT-B-32-openai", "Did you mean ViT-B-32__openai"), ("xyz", "models list"), ("", "models list")],
)
def test_an_unknown_name_gets_a_hint(name: str, hint: str) -> None:
    with pytest.raises(ClipsearchError, match=f"No model on offer is called {name!r}") as caught:
        find_offer(name)
    assert hint in caught.value.message


def test_an_offer_may_leave_open_what_nobody_knows() -> None:
    values = json.loads(resource_path("models/offers.json").read_text("utf-8"))[0]
    offer = Offer.from_json({**values, "accuracy": None, "parameters_m": None})
    assert offer.accuracy is None
    assert offer.parameters_m is None


def test_reading_the_offers_loads_no_client_of_a_hub() -> None:
    code = (
        "import sys; from clipsearch.encode.offers import offers; offers(); assert 'huggingface_hub' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
