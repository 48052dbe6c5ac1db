"""Commands in tests. Each test runs on Flask too, where that is installed."""

import click
import pytest


@pytest.fixture(params=["hipflask", "flask"])
def flask(request):
    """The framework under test."""
    return pytest.importorskip(request.param)


@pytest.fixture
def app(flask):
    """An application with one command."""
    app = flask.Flask("case")

    @app.cli.command("hello")
    @click.argument("name", default="world")
    def hello(name):
        click.echo(f"hello {name} of {flask.current_app.name}")

    return app


@click.command()
@click.pass_obj
def show_object(obj):
    click.echo(type(obj).__name__)


@pytest.mark.parametrize("args", [["hello", "you"], "hello you"])
def test_commands_of_the_application_are_found(app, args):
    runner = app.test_cli_runner()
    assert runner.invoke(args=args).output == "hello you of case\n"
    assert runner.invoke(None, args).output == "hello you of case\n"


def test_other_commands_get_the_application(flask, app):
    @click.command()
    @pytest.importorskip(f"{flask.__name__}.cli").with_appcontext
    def named():
        click.echo(flask.current_app.name)

    runner = app.test_cli_runner()
    assert runner.invoke(named).output == "case\n"
    assert runner.invoke(show_object).output == "ScriptInfo\n"


@pytest.mark.parametrize(("obj", "name"), [(5, "int"), (None, "NoneType")])
def test_object_that_is_given_is_used(app, obj, name):
    assert app.test_cli_runner().invoke(show_object, obj=obj).output == f"{name}\n"


def test_errors_are_results_unless_asked_otherwise(app):
    @click.command()
    def bad():
        raise KeyError("z")

    runner = app.test_cli_runner()
    assert isinstance(runner.invoke(bad).exception, KeyError)
    with pytest.raises(KeyError, match="z"):
        runner.invoke(bad, catch_exceptions=False)
    assert runner.invoke(args=["nope"]).exit_code == 2


def test_runner_takes_clicks_arguments_and_the_applications_class(flask, app):
    runner = app.test_cli_runner(echo_stdin=True)
    assert runner.echo_stdin
    assert runner.app is app

    class Own(type(runner)):
        pass

    app.test_cli_runner_class = Own
    assert type(app.test_cli_runner()) is Own
    with pytest.raises(TypeError, match="bogus"):
        app.test_cli_runner(bogus=True)
