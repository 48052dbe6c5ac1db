"""The application's logger."""

import io
import logging
import subprocess
import sys

import pytest

from hipflask import Flask
from hipflask.logging import create_logger, default_handler, has_level_handler, wsgi_errors_stream


@pytest.fixture(autouse=True)
def logger():
    """A logger that pytest's handlers at the root are not seen from."""
    logger = logging.getLogger("test_logging")
    logger.parent = None
    yield logger
    for name in [n for n in logging.Logger.manager.loggerDict if n.startswith("test_logging")]:
        del logging.Logger.manager.loggerDict[name]


@pytest.mark.parametrize("debug", [True, False])
def test_logger_has_the_name_a_handler_and_a_level(debug):
    app = Flask("test_logging")
    app.debug = debug
    assert app.logger is app.logger
    assert app.logger.name == "test_logging"
    assert app.logger.handlers == [default_handler]
    assert app.logger.level == (logging.DEBUG if debug else logging.NOTSET)


def test_logger_keeps_its_level(logger):
    logger.setLevel(logging.ERROR)
    app = Flask("test_logging")
    app.debug = True
    assert app.logger.level == logging.ERROR


@pytest.mark.parametrize("where", ["test_logging.app", "test_logging"])
def test_logger_with_a_handler_gets_no_other(where):
    handler = logging.NullHandler()
    logging.getLogger(where).addHandler(handler)
    app = Flask("test_logging.app")
    assert default_handler not in create_logger(app).handlers


def test_create_logger_twice_adds_one_handler():
    app = Flask("test_logging")
    assert create_logger(app) is create_logger(app)
    assert len(create_logger(app).handlers) == 1


def test_has_level_handler(logger):
    child = logging.getLogger("test_logging.child")
    assert not has_level_handler(child)
    handler = logging.NullHandler()
    handler.setLevel(logging.ERROR)
    logger.addHandler(handler)
    assert not has_level_handler(child)
    child.setLevel(logging.ERROR)
    assert has_level_handler(child)
    child.propagate = False
    assert not has_level_handler(child)


def test_messages_go_to_the_servers_error_stream(monkeypatch):
    errors, stderr = io.StringIO(), io.StringIO()
    app = Flask("test_logging")
    monkeypatch.setattr(sys, "stderr", stderr)
    app.logger.warning("outside")
    with app.test_request_context(environ_overrides={"wsgi.errors": errors}):
        app.logger.error("inside")
        wsgi_errors_stream.write("direct")
    assert stderr.getvalue().endswith("WARNING in test_logging: outside\n")
    assert errors.getvalue().endswith("ERROR in test_logging: inside\ndirect")


def test_logging_is_imported_with_the_first_logger():
    code = (
        "import sys\n"
        "import hipflask\n"
        "app = hipflask.Flask('test_app')\n"
        "assert 'logging' not in sys.modules\n"
        "assert app.logger.name == 'test_app'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
