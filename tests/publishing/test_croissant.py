"""croissant.json names every file with its hash and every plain column; CITATION.cff is what cffconvert reads."""

import json

import yaml

from cotfactory.data_contracts.contract import load_contract
from cotfactory.publishing.croissant import citation, croissant
from cotfactory.schemas.manifest import Manifest, ReleasedFile
from cotfactory.schemas.release_rules import Product, Release
from tests.publishing.made_groups import made_facts, made_recipe

FILES = ("sft/train-00000-of-00002.parquet", "sft/train-00001-of-00002.parquet", "rl/test-00000-of-00001.parquet")
RELEASE = Release(products=("sft", "rl"), license="mit", repo="ducks-org/ducks")
PRODUCTS: tuple[Product, ...] = ("sft", "rl")


def manifest() -> Manifest:
    files = [ReleasedFile(path=path, rows=3, bytes=10, sha256="ab" * 32) for path in FILES]
    others = [ReleasedFile(path="index/sft.parquet", rows=None, bytes=10, sha256="cd" * 32)]
    return Manifest(
        name="ducks",
        version="v1.2.0",
        parent=None,
        rows_sha="0",
        recipe=made_recipe().model_dump_json(),
        rows={"sft": 6, "rl": 3},
        files=(*files, *others),
        contract_sha={},
        facts=made_facts(),
    )


def test_files_and_columns() -> None:
    told = json.loads(croissant(manifest(), RELEASE, {product: load_contract(product) for product in PRODUCTS}))
    assert (told["conformsTo"], told["version"]) == ("http://mlcommons.org/croissant/1.0", "1.2.0")
    assert [file["@id"] for file in told["distribution"]] == list(FILES)  # no file but those of rows
    assert {file["sha256"] for file in told["distribution"]} == {"ab" * 32}
    sets = {records["@id"]: records for records in told["recordSet"]}
    assert sorted(sets) == sorted(path.removesuffix(".parquet") for path in FILES)
    fields = {field["name"]: field for field in sets["sft/train-00001-of-00002"]["field"]}
    assert fields["pass_rate"]["dataType"] == "sc:Float"
    assert fields["pass_rate"]["source"] == {"fileObject": {"@id": FILES[1]}, "extract": {"column": "pass_rate"}}
    assert "first answer" in fields["pass_rate"]["description"]
    assert "messages" not in fields  # a list of records: Croissant 1.0 tells no types inside a row


def test_citation() -> None:
    told = yaml.safe_load(citation(manifest(), RELEASE))
    assert (told["cff-version"], told["type"], told["version"]) == ("1.2.0", "dataset", "v1.2.0")
    assert told["authors"] == [{"name": "ducks-org"}]
    unnamed = yaml.safe_load(citation(manifest(), RELEASE.model_copy(update={"repo": None})))
    assert unnamed["authors"] == [{"name": "The makers of ducks"}]
    assert "repository" not in unnamed
