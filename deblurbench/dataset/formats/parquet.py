"""Parquet files for Hugging Face `datasets`: the columns `name`, `sharp`, `blur` and `record` (the manifest line).

A picture is `{bytes, path}`, PNG bytes; the schema says to `datasets` that it decodes as an `Image`. Row groups are
small, so that one pair can be read without the others. The bytes depend on the pairs, the PNG encoder and the version
of pyarrow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from deblurbench.dataset.formats.format import Format, Made, PairReader, Side
from deblurbench.dataset.formats.shards import Shard, ShardReader, shard_name
from deblurbench.dataset.manifest import Record, record_line
from deblurbench.errors import DeblurbenchError
from deblurbench.images.codec import Picture, encode
from deblurbench.places import Place

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = "parquet"
_GROUP = 4  # pairs in a row group: what is read, at least, to get one
_TEXT = {"dtype": "string", "_type": "Value"}
_FEATURES = {"name": _TEXT, "sharp": {"_type": "Image"}, "blur": {"_type": "Image"}, "record": _TEXT}


class Parquet(Format):
    """Deterministic parquet shards."""

    name: ClassVar[str] = "parquet"
    sharded: ClassVar[bool] = True

    def write(self, place: Place, split: str, shard: int, pairs: Iterable[Made]) -> Iterator[Record]:
        """Write one parquet file, whole, and yield its records then."""
        pa, parquet = _pyarrow()
        schema = _schema(pa)
        records: list[Record] = []
        rows: list[dict[str, Any]] = []
        with (
            place.writing(shard_name(split, shard, SUFFIX)) as temporary,
            parquet.ParquetWriter(
                temporary, schema, compression="none", use_dictionary=False, write_statistics=["name"]
            ) as writer,
        ):
            for made in pairs:
                rows.append(_row(made))
                records.append(made.record)
                if len(rows) == _GROUP:
                    writer.write_table(pa.Table.from_pylist(rows, schema))
                    rows.clear()
            if rows:
                writer.write_table(pa.Table.from_pylist(rows, schema))
        yield from records

    def reader(self, place: Place, split: str) -> PairReader:
        """Open a split; a shard's footer is read when a pair is looked for in it."""
        _pyarrow()
        return ShardReader(place, split, SUFFIX, _ParquetShard)

    def files(self, split: str, records: Iterable[Record], shards: int) -> Iterator[str]:
        """One name per shard."""
        return (shard_name(split, shard, SUFFIX) for shard in range(shards))


def _pyarrow() -> tuple[Any, Any]:
    """The modules pyarrow and pyarrow.parquet."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise DeblurbenchError("the format parquet needs pyarrow", "pip install 'deblurbench[formats]'") from error
    return pa, pyarrow.parquet


def _schema(pa: Any) -> pa.Schema:
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [("name", pa.string()), ("sharp", picture), ("blur", picture), ("record", pa.string())]
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": _FEATURES}})})


def _row(made: Made) -> dict[str, Any]:
    def column(picture: Picture) -> dict[str, Any]:
        return {"bytes": encode(picture, "png"), "path": f"{made.record.name}.png"}

    line = record_line(made.record)
    return {"name": made.record.name, "sharp": column(made.sharp), "blur": column(made.blurred), "record": line}


class _ParquetShard(Shard):
    """A parquet file; the row group that was read last stays in memory, for the other side and the next pair."""

    def __init__(self, place: Place, name: str) -> None:
        super().__init__(place, name)
        self._parquet: Any = None
        self._ranges: list[tuple[str, str]] = []  # the first and the last name of each row group
        self._group: tuple[int, Any] | None = None

    def find_first(self) -> str:
        self._open()
        return min((first for first, _ in self._ranges), default="")

    def find(self, name: str, side: Side) -> bytes | None:
        self._open()
        for index, (first, last) in enumerate(self._ranges):
            if first <= name <= last:
                table = self._table(index)
                try:
                    row = table["name"].to_pylist().index(name)
                except ValueError:
                    continue
                data = table[side][row].as_py() or {}
                return data.get("bytes") or b""
        return None

    def close(self) -> None:
        self._parquet = self._group = None
        super().close()

    def _open(self) -> None:
        if self._parquet is not None:
            return
        pa, parquet = _pyarrow()
        try:
            found = parquet.ParquetFile(self._file())
            if not found.schema_arrow.equals(_schema(pa)):
                raise self._damaged("its columns are not those of a dataset")
            metadata = found.metadata
            columns = (metadata.row_group(i).column(0) for i in range(metadata.num_row_groups))
            self._ranges = [_range(column.statistics) for column in columns]
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise self._damaged(_first_line(error)) from error
        self._parquet = found

    def _table(self, index: int) -> Any:
        if self._group is None or self._group[0] != index:
            pa, _ = _pyarrow()
            self._group = None
            try:
                # Threads of a library's own would not survive the fork of a data loader.
                columns = ["name", "sharp", "blur"]
                table = self._parquet.read_row_group(index, columns=columns, use_threads=False)
                table.validate(full=True)
                self._group = index, table
            except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
                raise self._damaged(_first_line(error)) from error
        return self._group[1]


def _range(statistics: Any) -> tuple[str, str]:
    """The first and the last name of a row group; where its writer kept none, it may hold any name."""
    if statistics is None or not statistics.has_min_max:
        return "", "\U0010ffff"
    return statistics.min, statistics.max


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
