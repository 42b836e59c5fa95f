"""The choice of model: settings of the library, and which models have known every photo."""

from alembic import op

revision = "0002"
down_revision = "0001"

_STEPS = (
    "CREATE TABLE library_setting (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)",
    "ALTER TABLE model ADD COLUMN caught_up_at INTEGER",
    # A model with a vector of every photo that has a file has caught up already.
    """UPDATE model SET caught_up_at = (SELECT value FROM generation)
        WHERE NOT EXISTS (
            SELECT 1 FROM file WHERE NOT EXISTS (
                SELECT 1 FROM vector WHERE vector.model_id = model.id AND vector.photo_id = file.photo_id
            )
        )""",
)


def upgrade() -> None:
    for statement in _STEPS:
        op.execute(statement)
