-- Administrators, closed accounts; `epoch` grows when all sessions of a user have to end.
ALTER TABLE users ADD COLUMN is_admin INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN is_disabled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN token_hash TEXT;
CREATE UNIQUE INDEX users_by_token ON users (token_hash);

-- A reply names the message that began its thread. `version` grows with each change.
ALTER TABLE messages ADD COLUMN thread_id INTEGER REFERENCES messages (id) ON DELETE CASCADE;
ALTER TABLE messages ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN edited_at TEXT;
ALTER TABLE messages ADD COLUMN editor_id INTEGER REFERENCES users (id) ON DELETE SET NULL;
ALTER TABLE messages ADD COLUMN picture TEXT;
ALTER TABLE messages ADD COLUMN picture_alt TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN picture_width INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN picture_height INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_by_thread ON messages (thread_id, id);
CREATE INDEX messages_by_author ON messages (author_id, id);
CREATE INDEX messages_by_editor ON messages (editor_id);
CREATE INDEX messages_by_picture ON messages (picture);
