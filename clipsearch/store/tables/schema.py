"""Tables of the catalog, private to `store`. A photo is its content; a file is a place where it lies."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import Any

from sqlalchemy import (
    Column,
    Dialect,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)


class PathText(TypeDecorator[str]):
    """A path as text; a name that is not valid Unicode is kept as its bytes, so that every file can be stored."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> Any:
        if value is None or value.isascii():
            return value
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            return os.fsencode(value)
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return os.fsdecode(value) if isinstance(value, bytes) else value


class TextList(TypeDecorator[tuple[str, ...]]):
    """Several texts, as a JSON list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> Any:
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[str, ...]:
        try:
            texts = json.loads(value)
        except ValueError as error:
            raise sqlite3.DatabaseError(f"malformed list: {error}") from error
        return tuple(map(str, texts))


metadata = MetaData()

folder = Table(
    "folder",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("path", PathText, nullable=False, unique=True),
    Column("volume_id", Text),  # the volume it lies on, NULL where the system does not tell
    Column("volume_name", Text),
    Column("path_on_volume", PathText),
    Column("offline", Integer, nullable=False, server_default=text("0")),
)

photo = Table(
    "photo",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("content_hash", Text, nullable=False, unique=True),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("format", Text, nullable=False),
    Column("captured_at", Text, index=True),  # local time by the camera's clock, "YYYY-MM-DDTHH:MM:SS[.fff]"
    Column("camera", Text),
    Column("is_superseded", Integer, nullable=False, server_default=text("0")),  # 1: its edited form took its place
)

file = Table(
    "file",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("folder_id", ForeignKey("folder.id", ondelete="CASCADE"), nullable=False),
    Column("relative_path", PathText, nullable=False),
    Column("size_bytes", Integer, nullable=False, index=True),
    Column("mtime_ns", Integer, nullable=False),
    Column("photo_id", ForeignKey("photo.id"), nullable=False, index=True),
    Column("is_companion", Integer, nullable=False, server_default=text("0")),  # a RAW beside its JPEG: never decoded
    UniqueConstraint("folder_id", "relative_path"),
)

problem = Table(
    "problem",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("folder_id", ForeignKey("folder.id", ondelete="CASCADE"), nullable=False),
    Column("relative_path", PathText, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("mtime_ns", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("photo_id", Integer),  # what lay there before
    UniqueConstraint("folder_id", "relative_path"),
)

model = Table(
    "model",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("dim", Integer, nullable=False),
    Column("caught_up_at", Integer),  # the generation at which it knew every photo within reach, NULL before
)

vector = Table(
    "vector",
    metadata,
    Column("model_id", ForeignKey("model.id", ondelete="CASCADE"), primary_key=True),
    Column("photo_id", ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

library_setting = Table(
    "library_setting",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

generation = Table(
    "generation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("value", Integer, nullable=False),
    Column("journal_from", Integer, nullable=False, server_default=text("0")),  # `change` holds all that came after it
)

change = Table(
    "change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("generation", Integer, nullable=False, index=True),
    Column("photo_id", Integer, nullable=False),
)

waiting = Table(
    "waiting",
    metadata,
    Column("folder_id", ForeignKey("folder.id", ondelete="CASCADE"), primary_key=True),
    Column("relative_path", PathText, primary_key=True),
)

category = Table(
    "category",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text(collation="NOCASE"), nullable=False, unique=True),
    Column("parent_id", Integer),
    Column("prompts", TextList, nullable=False, server_default=text("'[]'")),
    Column("negatives", TextList, nullable=False, server_default=text("'[]'")),
    Column("templates", Text, nullable=False, server_default=text("''")),
    Column("exclusive_group", Text, nullable=False, server_default=text("''")),
    Column("threshold", Float),
    Column("colour", Text, nullable=False, server_default=text("''")),
    Column("shared", Text, nullable=False, server_default=text("''")),
)

judgement = Table(
    "judgement",
    metadata,
    Column("category_id", ForeignKey("category.id", ondelete="CASCADE"), primary_key=True),
    Column("photo_id", ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("is_member", Integer, nullable=False),  # 1: the user put the photo in; 0: took it out
)

step = Table(
    "step",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("photos", Integer, nullable=False),
    Column("is_undone", Integer, nullable=False, server_default=text("0"), index=True),
    sqlite_autoincrement=True,  # whoever saw a step may ask for it, so that no other one may ever have its number
)

step_change = Table(
    "step_change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("step_id", ForeignKey("step.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("category_id", Integer, nullable=False, index=True),
    Column("photo_id", Integer, index=True),  # NULL: the category itself changed
    Column("before", Text),
    Column("after", Text),
)

head = Table(
    "head",
    metadata,
    Column("category_id", ForeignKey("category.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("model.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, nullable=False),
    Column("weights", LargeBinary, nullable=False),
    Column("biases", LargeBinary, nullable=False),
    Column("put_in", LargeBinary, nullable=False),
    Column("taken_out", LargeBinary, nullable=False),
)

membership = Table(
    "membership",
    metadata,
    Column("category_id", ForeignKey("category.id", ondelete="CASCADE"), primary_key=True),
    Column("model_id", ForeignKey("model.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("photo_ids", LargeBinary, nullable=False),
    Column("scores", LargeBinary, nullable=False),
)

background = Table(
    "background",
    metadata,
    Column("model_id", ForeignKey("model.id", ondelete="CASCADE"), primary_key=True),
    Column("photos", Integer, nullable=False),  # in the library when the sample was drawn
    Column("photo_ids", LargeBinary, nullable=False),
)
