"""The first catalog: folders, photos by content, files by place, problems, models and their vectors."""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = (
    """CREATE TABLE folder (
        id INTEGER NOT NULL PRIMARY KEY,
        path TEXT NOT NULL UNIQUE
    )""",
    """CREATE TABLE photo (
        id INTEGER NOT NULL PRIMARY KEY,
        content_hash TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        format TEXT NOT NULL
    )""",
    """CREATE TABLE file (
        id INTEGER NOT NULL PRIMARY KEY,
        folder_id INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
        relative_path TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        photo_id INTEGER NOT NULL REFERENCES photo (id),
        UNIQUE (folder_id, relative_path)
    )""",
    "CREATE INDEX ix_file_photo_id ON file (photo_id)",
    """CREATE TABLE problem (
        id INTEGER NOT NULL PRIMARY KEY,
        folder_id INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
        relative_path TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        reason TEXT NOT NULL,
        UNIQUE (folder_id, relative_path)
    )""",
    """CREATE TABLE model (
        id INTEGER NOT NULL PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        dim INTEGER NOT NULL
    )""",
    """CREATE TABLE vector (
        model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
        photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
        data BLOB NOT NULL,
        PRIMARY KEY (model_id, photo_id)
    )""",
    "CREATE TABLE generation (id INTEGER NOT NULL PRIMARY KEY, value INTEGER NOT NULL)",
    # The upper bits are drawn by lot, so that an index of another catalog is never taken for one of this.
    "INSERT INTO generation (id, value) VALUES (1, (abs(random()) % 1073741824) << 32)",
)


def upgrade() -> None:
    for statement in _TABLES:
        op.execute(statement)
