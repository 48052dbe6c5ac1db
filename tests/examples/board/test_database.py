"""The files that a board makes: its database and its secret key, also when many processes make them."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from examples.board import create_app, sample_data, secret_key
from examples.board.connections import LARGEST_IDLE
from examples.board.db import MIGRATIONS, connect, get_connection, is_busy, prepare, transaction
from examples.board.posts import Draft, publish
from examples.board.store import messages, users

BOARD = Path(create_app.__code__.co_filename).parent


def count(path: Path | str) -> tuple[int, int]:
    """Return how many users and messages a database has."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM messages)"
        found: tuple[int, int] = connection.execute(query).fetchone()
        return found


def fill(tmp_path):
    """Return what puts the sample into a new database."""
    (tmp_path / "pictures").mkdir(exist_ok=True)
    return lambda connection: sample_data.insert(connection, tmp_path / "pictures")


def test_new_database_has_the_sample_and_a_write_ahead_log(tmp_path):
    path = tmp_path / "new" / "folder" / "board.sqlite3"
    prepare(str(path), fill(tmp_path))
    assert count(path) == (5, 8)
    with closing(connect(str(path))) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_sample_data_that_was_deleted_stays_deleted(tmp_path):
    path = str(tmp_path / "board.sqlite3")
    prepare(path, fill(tmp_path))
    with closing(connect(path)) as connection:
        connection.execute("DELETE FROM messages")
    prepare(path, fill(tmp_path))
    assert count(path) == (5, 0)


def test_start_that_broke_off_is_made_up_for(tmp_path, monkeypatch):
    path = str(tmp_path / "board.sqlite3")
    with monkeypatch.context() as patch:
        patch.setattr(sample_data, "MESSAGES", [("ada", "-1 day", "Title", None, "", "")])
        with pytest.raises(sqlite3.IntegrityError, match="NOT NULL"):
            prepare(path, fill(tmp_path))
    prepare(path, fill(tmp_path))
    assert count(path) == (5, 8)


def test_database_of_the_first_version_is_brought_up_to_date(tmp_path):
    path = str(tmp_path / "board.sqlite3")
    with closing(connect(path)) as connection:
        connection.executescript((MIGRATIONS / "0001_messages.sql").read_text())
        connection.execute("PRAGMA user_version = 1")
        connection.execute("INSERT INTO users (name, password_hash) VALUES ('zoe', 'hash')")
        connection.execute("INSERT INTO messages (author_id, title, body) VALUES (1, 'Old', 'Older than pictures.')")
    prepare(path, fill(tmp_path))
    assert count(path) == (1, 1)
    app = create_app({"DATABASE": path, "PICTURES": str(tmp_path / "pictures"), "SECRET_KEY": "test"})
    with app.app_context():
        message = messages.find(1)
        user = users.find_by_name("zoe")
    assert message is not None
    assert user is not None
    assert (message.title, message.version, message.is_reply, message.picture) == ("Old", 1, False, None)
    assert (user.is_admin, user.is_disabled, user.epoch) == (0, 0, 0)
    assert app.test_client().get("/").status_code == 200
    with app.app_context():
        users.begin_session(user, "a session")
        assert users.find_by_session("a session") == user
    app.extensions["connections"].close()


def test_transaction_writes_all_or_nothing(app):
    with app.app_context():
        with pytest.raises(ZeroDivisionError), transaction() as connection:
            connection.execute("DELETE FROM messages")
            raise ZeroDivisionError
        assert not get_connection().in_transaction
    assert count(app.config["DATABASE"])[1] == 8


def test_busy_is_told_from_broken(tmp_path):
    path = str(tmp_path / "board.sqlite3")
    prepare(path)
    with closing(connect(path)) as first, closing(connect(path, 0.0)) as second:
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked") as caught:
            second.execute("BEGIN IMMEDIATE")
        assert is_busy(caught.value)
        with pytest.raises(sqlite3.OperationalError, match="no such table") as caught:
            second.execute("SELECT * FROM nowhere")
        assert not is_busy(caught.value)


def test_threads_that_start_at_once_make_one_database(tmp_path):
    path = str(tmp_path / "board.sqlite3")
    run_at_once(8, lambda: prepare(path, fill(tmp_path)))
    assert count(path) == (5, 8)


@pytest.mark.slow
def test_processes_that_start_at_once_make_one_database_and_one_key(tmp_path):
    shutil.copytree(BOARD, tmp_path / "board", ignore=shutil.ignore_patterns("instance", "__pycache__"))
    code = "import board; print(board.create_app().config['SECRET_KEY'])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BOARD_")}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    answers = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 6, answers
    instance = tmp_path / "board" / "instance"
    assert {output.strip() for output, _ in answers} == {(instance / "secret_key").read_text()}
    assert count(instance / "board.sqlite3") == (5, 8)
    assert not [path for path in instance.iterdir() if path.name.startswith(".secret_key-")]


def test_writers_wait_for_each_other(app):
    def write():
        with app.app_context():
            author = users.find(1)
            assert author is not None
            for _ in range(10):
                publish(author, Draft("Title", "Text"))

    run_at_once(6, write)
    assert count(app.config["DATABASE"])[1] == 8 + 60


def test_name_is_taken_once_by_those_who_sign_up_at_once(app):
    ids: list[int | None] = []

    def sign_up():
        with app.app_context():
            ids.append(users.add("zoe", "hash"))

    run_at_once(6, sign_up)
    assert len([user_id for user_id in ids if user_id is not None]) == 1


def test_connection_is_one_per_request_and_waits_for_the_next(app):
    with app.test_request_context("/"):
        connection = get_connection()
        assert get_connection() is connection
    with app.test_request_context("/"):
        assert get_connection() is connection


def test_what_a_request_did_not_commit_is_undone(app):
    with app.test_request_context("/"):
        get_connection().execute("BEGIN")
        get_connection().execute("DELETE FROM messages")
    with app.test_request_context("/"):
        assert not get_connection().in_transaction
        assert get_connection().execute("SELECT count(*) FROM messages").fetchone() == (8,)


def test_no_more_connections_wait_than_the_limit(app):
    pool = app.extensions["connections"]
    pool.close()
    taken = [pool.take() for _ in range(LARGEST_IDLE + 1)]
    assert len(set(map(id, taken))) == len(taken)
    for connection in taken:
        pool.give_back(connection)
    assert pool.idle.qsize() == LARGEST_IDLE
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        taken[-1].execute("SELECT 1")
    pool.close()
    assert pool.idle.qsize() == 0


def test_forked_process_leaves_its_parents_connections_alone(app):
    pool = app.extensions["connections"]
    with app.test_request_context("/"):
        connection = get_connection()
    pool.process -= 1  # as if it had been forked from another
    with app.test_request_context("/"):
        assert get_connection() is not connection
    pool.process -= 1
    pool.close()
    kept = [idle.get_nowait() for idle in pool.of_other_processes]
    assert kept[0] is connection
    for connection in kept:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        connection.close()


def test_log_is_written_back_when_the_board_ends(app):
    if not hasattr(app, "on_shutdown"):
        pytest.skip("Flask does not tell when it ends")
    log = Path(app.config["DATABASE"] + "-wal")
    with app.test_client() as client:
        assert client.get("/").status_code == 200
        assert log.exists()
    assert not log.exists()


def test_secret_key_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "instance" / "secret_key"
    key = secret_key.read_or_create(path)
    assert len(key) == 64
    assert secret_key.read_or_create(path) == key
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_threads_that_make_the_key_at_once_read_the_same(tmp_path):
    keys: list[str] = []
    run_at_once(8, lambda: keys.append(secret_key.read_or_create(tmp_path / "secret_key")))
    assert len(keys) == 8
    assert len(set(keys)) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"\xff\xfe\x00"], ids=["empty", "short", "binary"])
def test_secret_key_file_without_a_key_is_an_error_with_its_remedy(tmp_path, content):
    path = tmp_path / "secret_key"
    path.write_bytes(content)
    with pytest.raises(RuntimeError, match=r"secret_key is too short: \d+ characters.* Delete the file"):
        secret_key.read_or_create(path)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        pytest.param("notes.txt/board.sqlite3", "", id="folder-cannot-be-made"),
        pytest.param("folder", "unable to open database file", id="folder-instead-of-file"),
        pytest.param("notes.txt", "file is not a database", id="other-file"),
    ],
)
def test_database_that_cannot_be_used_is_an_error_with_its_remedy(tmp_path, monkeypatch, name, cause):
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("Some notes. " * 100)
    path = str(tmp_path / name)
    monkeypatch.setenv("BOARD_DATABASE", path)
    with pytest.raises(RuntimeError, match="Set BOARD_DATABASE to a file") as caught:
        create_app({"SECRET_KEY": "test", "PICTURES": str(tmp_path / "pictures")})
    assert repr(path) in str(caught.value)
    assert cause in str(caught.value)
    assert isinstance(caught.value.__cause__, (OSError, sqlite3.DatabaseError))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nothing is read-only for this user")
@pytest.mark.parametrize("has_log", [False, True], ids=["new-file", "file-with-log"])
def test_database_that_cannot_be_written_is_an_error_with_its_remedy(tmp_path, has_log):
    path = tmp_path / "board.sqlite3"
    if has_log:
        prepare(str(path))
    else:
        path.touch()
    path.chmod(0o444)
    with pytest.raises(RuntimeError, match=r"board\.sqlite3': .*readonly database.* Set BOARD_DATABASE to a file"):
        prepare(str(path))


def run_at_once(number, work):
    """Run *work* in that many threads, which begin together, and raise what one of them raised."""
    barrier = threading.Barrier(number, timeout=60)
    errors: list[Exception] = []

    def run():
        try:
            barrier.wait()
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert errors == []
