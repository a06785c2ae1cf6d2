"""`croissant.json`: what the dataset is, in the vocabulary of Croissant 1.1 (https://docs.mlcommons.org/croissant/).

The record set `pairs` is the manifest, one record per pair. Where each picture is a file, the record sets `blurred` and
`sharp` hold the pictures, found by split and name: the reference reader joins two sources at most, which does not
reach from the manifest to both. In parquet files `pictures` holds both sides of each pair.

Left out, since a build cannot know them: `url` and `datePublished` (the reference validator warns of the latter).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from deblurbench.dataset.manifest import KERNELS, MANIFEST
from deblurbench.dataset.sums import sha256_of
from deblurbench.places import Place
from deblurbench.sources.licences import Licence

CROISSANT = "croissant.json"

Json = dict[str, Any]

_CONTEXT: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
# Of each field of `pairs`: the manifest's column, and the key inside it.
_PAIR_FIELDS = {
    "pair": ("pair", None, "Split and name: what a pair is found by."),
    "split": ("split", None, "train, val, test or test-LABEL."),
    "scene": ("scene", None, "A scene never lies in more than one of train, val and test."),
    "source": ("photo", "source", "Where the photo comes from."),
    "url": ("photo", "url", "Where the photo was found; empty where unknown."),
    "author": ("photo", "author", "Who made the photo; empty where unknown."),
    "licence": ("photo", "licence", "The photo's licence as stated; empty where unknown."),
    "raw_sha256": ("photo", "raw_sha256", "SHA-256 of the photo's raw file."),
    "blur_family": ("blur", "family", "The kind of blur; its parameters are in the manifest."),
    "light": ("blur", "light", "Which values were blurred: stored ones, or the linear light of a response curve."),
    "sharp_sha256": ("sharp_sha256", None, "SHA-256 of the sharp picture's shape and pixels."),
    "blur_sha256": ("blur_sha256", None, "SHA-256 of the blurred picture's shape and pixels."),
}
_FILES = {"png": "image/png", "gopro": "image/png", "qoi": "image/qoi", "npy": "application/x-npy"}
_SHARDS = {"parquet": ("parquet", "application/x-parquet"), "webdataset": ("tar", "application/x-tar")}
_READABLE = frozenset({"png"})  # formats whose single pictures the reference reader decodes


def croissant(
    place: Place,
    *,
    name: str,
    version: int,
    description: str,
    dataset_id: str,
    splits: Sequence[str],
    layout: str,
    licences: Iterable[Licence],
) -> Json:
    """The whole description, as JSON-LD.

    Args:
        place: where manifest and kernels lie: they are hashed.
        name, version, description: of the recipe.
        dataset_id: hex SHA-256.
        splits: those that have pairs.
        layout: the format's name.
        licences: of the photos.
    """
    records = [_pairs(), *_picture_records(layout)]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": name,
        "version": f"{version}.0.0",
        "description": description.strip(),
        "identifier": dataset_id,
        "keywords": ["deblurring", "image restoration", "blur", "paired images"],
        "license": sorted({licence.url or licence.name for licence in licences}),
        "creator": {"@type": "sc:Organization", "name": f"the authors of the recipe {name} and of its photos"},
        "citeAs": f"@misc{{{name}, title = {{{name}, version {version}}}, note = {{dataset id {dataset_id}}}}}",
        "distribution": [*_tables(place), *_picture_files(layout, splits)],
        "recordSet": records,
    }


def _tables(place: Place) -> Iterator[Json]:
    for name, kind in ((MANIFEST, "application/jsonlines"), (KERNELS, "application/zip")):
        if place.exists(name):
            yield {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "encodingFormat": kind,
                "sha256": sha256_of(place, name),
            }


def _picture_files(layout: str, splits: Sequence[str]) -> Iterator[Json]:
    if layout in _SHARDS:
        suffix, kind = _SHARDS[layout]
        yield _file_set("shards", kind, [f"{split}-{'[0-9]' * 5}.{suffix}" for split in splits])
    elif layout == "lmdb":
        for side in ("sharp", "blur"):
            yield _file_set(side, "application/octet-stream", [f"{split}_{side}.lmdb/data.mdb" for split in splits])
    elif layout in _FILES:
        for side in ("sharp", "blur"):
            yield _file_set(side, _FILES[layout], [_pattern(layout, split, side) for split in splits])


def _pattern(layout: str, split: str, side: str) -> str:
    if layout == "gopro":
        return f"{split}/*/{'sharp' if side == 'sharp' else 'blur*'}/*.png"
    return f"{split}/{side}/*.{layout}"


def _file_set(name: str, kind: str, includes: list[str]) -> Json:
    return {"@type": "cr:FileSet", "@id": f"{name}-files", "name": name, "encodingFormat": kind, "includes": includes}


def _pairs() -> Json:
    fields = []
    for name, (column, key, text) in _PAIR_FIELDS.items():
        source: Json = {"fileObject": {"@id": MANIFEST}, "extract": {"column": column}}
        if key is not None:
            source["transform"] = {"jsonPath": key}
        fields.append(_field("pairs", name, "sc:Text", text, source))
    return _record_set("pairs", "The lines of the manifest: one record per pair.", fields, ["pair"])


def _picture_records(layout: str) -> Iterator[Json]:
    if layout in _READABLE:
        for side, what in (("blur", "blurred"), ("sharp", "sharp")):
            # A split has no slash in its name, and a name none either: both are parts of the path.
            fields = [
                _from_path(what, "split", f"{side}-files", rf"^(.+)/{side}/[^/]+\.{layout}$", "The pair's split."),
                _from_path(
                    what, "name", f"{side}-files", rf"^.+/{side}/([^/]+)\.{layout}$", "The pair's name in its split."
                ),
                _field(
                    what,
                    "picture",
                    "sc:ImageObject",
                    f"The {what} picture, 8-bit RGB.",
                    {"fileSet": {"@id": f"{side}-files"}, "extract": {"fileProperty": "content"}},
                ),
            ]
            yield _record_set(what, f"The {what} pictures.", fields, ["split", "name"])
    elif layout == "parquet":
        fields = [_column("name", "sc:Text", "The pair's name in its split.", None)]
        fields += [
            _column(side, "sc:ImageObject", f"The {what} picture, 8-bit RGB.", "bytes")
            for side, what in (("sharp", "sharp"), ("blur", "blurred"))
        ]
        fields.append(_column("record", "sc:Text", "The pair's line of the manifest, JSON.", None))
        yield _record_set("pictures", "Both pictures of each pair.", fields, [])


def _column(name: str, kind: str, text: str, key: str | None) -> Json:
    source: Json = {"fileSet": {"@id": "shards-files"}, "extract": {"column": name}}
    if key is not None:
        source["transform"] = {"jsonPath": key}
    return _field("pictures", name, kind, text, source)


def _from_path(records: str, name: str, files: str, pattern: str, text: str) -> Json:
    source = {"fileSet": {"@id": files}, "extract": {"fileProperty": "fullpath"}, "transform": {"regex": pattern}}
    return _field(records, name, "sc:Text", text, source)


def _field(records: str, name: str, kind: str, text: str, source: Json) -> Json:
    return {
        "@type": "cr:Field",
        "@id": f"{records}/{name}",
        "name": name,
        "description": text,
        "dataType": kind,
        "source": source,
    }


def _record_set(name: str, text: str, fields: list[Json], key: list[str]) -> Json:
    value: Json = {"@type": "cr:RecordSet", "@id": name, "name": name, "description": text, "field": fields}
    if key:
        value["key"] = [{"@id": f"{name}/{part}"} for part in key]
    return value
