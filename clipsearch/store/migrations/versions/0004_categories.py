"""What a category is made of, steps that can be undone, and what models make of the categories."""

from alembic import op

revision = "0004"
down_revision = "0003"

_STEPS = (
    "ALTER TABLE photo ADD COLUMN is_superseded INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE category ADD COLUMN parent_id INTEGER",
    "ALTER TABLE category ADD COLUMN prompts TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE category ADD COLUMN negatives TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE category ADD COLUMN templates TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE category ADD COLUMN exclusive_group TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE category ADD COLUMN threshold FLOAT",
    "ALTER TABLE category ADD COLUMN colour TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE category ADD COLUMN shared TEXT NOT NULL DEFAULT ''",
    """CREATE TABLE step (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        photos INTEGER NOT NULL,
        is_undone INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE INDEX ix_step_is_undone ON step (is_undone)",
    """CREATE TABLE step_change (
        id INTEGER NOT NULL PRIMARY KEY,
        step_id INTEGER NOT NULL REFERENCES step (id) ON DELETE CASCADE,
        category_id INTEGER NOT NULL,
        photo_id INTEGER,
        before TEXT,
        after TEXT
    )""",
    "CREATE INDEX ix_step_change_step_id ON step_change (step_id)",
    "CREATE INDEX ix_step_change_category_id ON step_change (category_id)",
    "CREATE INDEX ix_step_change_photo_id ON step_change (photo_id)",
    """CREATE TABLE head (
        category_id INTEGER NOT NULL REFERENCES category (id) ON DELETE CASCADE,
        model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        weights BLOB NOT NULL,
        biases BLOB NOT NULL,
        put_in BLOB NOT NULL,
        taken_out BLOB NOT NULL,
        PRIMARY KEY (category_id, model_id)
    )""",
    """CREATE TABLE membership (
        category_id INTEGER NOT NULL REFERENCES category (id) ON DELETE CASCADE,
        model_id INTEGER NOT NULL REFERENCES model (id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        generation INTEGER NOT NULL,
        photo_ids BLOB NOT NULL,
        scores BLOB NOT NULL,
        PRIMARY KEY (category_id, model_id)
    )""",
    """CREATE TABLE background (
        model_id INTEGER NOT NULL PRIMARY KEY REFERENCES model (id) ON DELETE CASCADE,
        photos INTEGER NOT NULL,
        photo_ids BLOB NOT NULL
    )""",
)


def upgrade() -> None:
    for statement in _STEPS:
        op.execute(statement)
