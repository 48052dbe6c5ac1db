-- A session is here from log-in to log-out. It holds as long as its `epoch` is its user's.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    epoch INTEGER NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
