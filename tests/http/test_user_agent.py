from __future__ import annotations

from hipflask.http.user_agent import UserAgent


def test_user_agent_keeps_its_text() -> None:
    agent = UserAgent("Mozilla/5.0")
    assert agent.string == str(agent) == agent.to_header() == "Mozilla/5.0"
    assert (agent.platform, agent.browser, agent.version, agent.language) == (None, None, None, None)
    assert not agent
    assert repr(agent) == "<UserAgent None/None>"


def test_user_agent_of_subclass_can_know_more() -> None:
    class Known(UserAgent):
        browser = "firefox"
        version = "150"

    assert Known("x")
    assert repr(Known("x")) == "<Known firefox/150>"
