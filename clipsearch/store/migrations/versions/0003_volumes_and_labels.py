"""Volumes of folders, capture times, companions, files that wait, the user's labels, and a journal of changes."""

from alembic import op

revision = "0003"
down_revision = "0002"

_STEPS = (
    "ALTER TABLE folder ADD COLUMN volume_id TEXT",
    "ALTER TABLE folder ADD COLUMN volume_name TEXT",
    "ALTER TABLE folder ADD COLUMN path_on_volume TEXT",
    "ALTER TABLE folder ADD COLUMN offline INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE photo ADD COLUMN captured_at TEXT",
    "ALTER TABLE photo ADD COLUMN camera TEXT",
    "CREATE INDEX ix_photo_captured_at ON photo (captured_at)",
    "ALTER TABLE file ADD COLUMN is_companion INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX ix_file_size_bytes ON file (size_bytes)",
    "ALTER TABLE problem ADD COLUMN photo_id INTEGER",
    """CREATE TABLE waiting (
        folder_id INTEGER NOT NULL REFERENCES folder (id) ON DELETE CASCADE,
        relative_path TEXT NOT NULL,
        PRIMARY KEY (folder_id, relative_path)
    )""",
    "CREATE TABLE category (id INTEGER NOT NULL PRIMARY KEY, name TEXT COLLATE NOCASE NOT NULL UNIQUE)",
    """CREATE TABLE judgement (
        category_id INTEGER NOT NULL REFERENCES category (id) ON DELETE CASCADE,
        photo_id INTEGER NOT NULL REFERENCES photo (id) ON DELETE CASCADE,
        is_member INTEGER NOT NULL,
        PRIMARY KEY (category_id, photo_id)
    )""",
    "CREATE INDEX ix_judgement_photo_id ON judgement (photo_id)",
    "CREATE TABLE change (id INTEGER NOT NULL PRIMARY KEY, generation INTEGER NOT NULL, photo_id INTEGER NOT NULL)",
    "CREATE INDEX ix_change_generation ON change (generation)",
    "ALTER TABLE generation ADD COLUMN journal_from INTEGER NOT NULL DEFAULT 0",
    "UPDATE generation SET journal_from = value",
)


def upgrade() -> None:
    for statement in _STEPS:
        op.execute(statement)
