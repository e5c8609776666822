"""croissant.json: a release in MLCommons' Croissant vocabulary (version 1.0), and CITATION.cff: how to cite it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import yaml

from cotfactory.data_contracts.contract import Contract
from cotfactory.schemas.manifest import Manifest
from cotfactory.schemas.release_rules import Product, Release
from cotfactory.schemas.rows import ROW_SCHEMAS

CROISSANT, CITATION = "croissant.json", "CITATION.cff"
ABOUT = "Verified reasoning data: chains of thought of teacher models, each graded, only right ones to learn from."
_TYPES: Mapping[str, str] = {
    "string": "sc:Text", "bool": "sc:Boolean", "double": "sc:Float", "int32": "sc:Integer", "int64": "sc:Integer",
}  # fmt: skip
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def croissant(manifest: Manifest, release: Release, contracts: Mapping[Product, Contract]) -> str:
    """Return the metadata as JSON-LD: every file of rows with its hash, every column with what its contract says."""
    shards = [file for file in manifest.files if file.rows is not None]
    told = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest.name,
        "description": ABOUT,
        "version": manifest.version.removeprefix("v"),
        "datePublished": f"{manifest.facts.created_at:%Y-%m-%d}",
        "license": release.license,
        **({"url": f"https://huggingface.co/datasets/{release.repo}"} if release.repo else {}),
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": file.path,
                "name": file.path,
                "contentUrl": file.path,
                "encodingFormat": "application/x-parquet",
                "contentSize": f"{file.bytes} B",
                "sha256": file.sha256,
            }
            for file in shards
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": file.path.removesuffix(".parquet"),
                "name": file.path.removesuffix(".parquet"),
                "description": contract.about,
                "key": {"@id": f"{file.path.removesuffix('.parquet')}/row_id"},
                "field": list(_fields(file.path, ROW_SCHEMAS[product], contract)),
            }
            for product, contract in contracts.items()
            for file in shards
            if file.path.startswith(f"{product}/")
        ],
    }
    return json.dumps(told, ensure_ascii=False, indent=1)


def _fields(path: str, schema: pa.Schema, contract: Contract) -> Iterator[dict[str, Any]]:
    """Yield the columns of one value each; of lists and of records inside a row Croissant 1.0 tells no types."""
    meanings = {column.name: column.meaning for column in contract.columns}
    for column in schema:
        if (kind := _TYPES.get(str(column.type))) is not None:
            yield {
                "@type": "cr:Field",
                "@id": f"{path.removesuffix('.parquet')}/{column.name}",
                "name": column.name,
                "description": meanings[column.name],
                "dataType": kind,
                "source": {"fileObject": {"@id": path}, "extract": {"column": column.name}},
            }


def citation(manifest: Manifest, release: Release) -> str:
    """Return CITATION.cff (version 1.2.0) of a release; its makers are named by the organisation of its repository."""
    makers = release.repo.partition("/")[0] if release.repo else f"The makers of {manifest.name}"
    told = {
        "cff-version": "1.2.0",
        "type": "dataset",
        "message": "If you use this data set, please cite it and the sources of its problems, which README.md names.",
        "title": manifest.name,
        "version": manifest.version,
        "date-released": manifest.facts.created_at.date(),
        "authors": [{"name": makers}],
        **({"contact": [{"name": release.contact}]} if release.contact else {}),
        **({"repository": f"https://huggingface.co/datasets/{release.repo}"} if release.repo else {}),
        "abstract": ABOUT,
    }
    return yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
