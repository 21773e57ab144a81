"""Before somebody is logged in: naming a server, logging in, registering, going on where one was."""

from __future__ import annotations

import asyncio
import json

import pytest

from client.chat import Chat
from client.errors import Offline, Timeout, WrongServerKey
from client.gui.model import entry
from client.gui.model.keeping import LOGIN, SERVER, Forgetful
from client.gui.model.model import Screen
from client.gui.model.problem import NO_ANSWER, NO_USER, PASSWORDS_DIFFER, WRONG_KEY
from protocol.errors import Busy, Internal, Invalid, RateLimited
from tests.client.gui.fake_chat import SERVER as THERE
from tests.client.gui.model.scene import PASSWORD, Scene, settle, until

KEYED = f"pesan://127.0.0.1:7700?key={'A' * 43}"
OTHER = f"pesan://127.0.0.1:7700?key={'B' * 42}A"


# --- which server -----------------------------------------------------------------------------------


async def test_a_window_that_knows_no_server_asks_for_one_and_remembers_it(scene: Scene) -> None:
    model = scene.window(server="")
    await model.start()
    assert (model.screen, model.entry.server) == (Screen.CONNECT, "")
    assert await model.entry.connect(f"  {THERE} ")
    assert (model.screen, model.entry.server) == (Screen.LOGIN, THERE)
    again = scene.window(server="")
    await again.start()
    assert (again.screen, again.entry.server) == (Screen.LOGIN, THERE)


@pytest.mark.parametrize("text", ["", "   ", "budi", "pesan://127.0.0.1", "pesan://example.org:7700"])
async def test_what_is_no_connection_string_is_said_of_the_field(scene: Scene, text: str) -> None:
    model = scene.window(server="")
    model.chats = Chat.connect
    await model.start()
    assert not await model.entry.connect(text)
    assert model.entry.problem is not None
    assert model.entry.problem.about == "server"
    assert model.screen is Screen.CONNECT


@pytest.mark.parametrize(("error", "code"), [(Offline(""), NO_ANSWER), (WrongServerKey(), WRONG_KEY)])
async def test_a_server_that_is_not_there_is_not_chosen(scene: Scene, error: Exception, code: str) -> None:
    model = scene.window(server="")
    await model.start()
    scene.server.fail("hello", error)
    assert not await model.entry.connect(THERE)
    assert model.entry.problem is not None
    assert (model.entry.problem.code, model.entry.problem.about) == (code, "server")
    assert scene.keeping.texts.get(SERVER, "") == ""
    assert all(chat.closed for chat in scene.server.chats)


async def test_where_the_server_is_fixed_no_other_is_asked(scene: Scene) -> None:
    scene.keeping.texts[SERVER] = OTHER
    model = scene.window(server=KEYED, fixed=True)
    await model.start()
    assert model.entry.server == KEYED
    assert await model.entry.connect(OTHER)
    assert model.entry.server == KEYED


async def test_the_server_that_was_given_is_not_kept_for_it_may_get_another_key(scene: Scene) -> None:
    model = scene.window()
    await model.start()
    assert await model.entry.connect(OTHER)
    assert scene.keeping.texts[SERVER] == OTHER
    assert await model.entry.connect(THERE)
    assert scene.keeping.texts[SERVER] == ""


# --- who --------------------------------------------------------------------------------------------


async def test_who_logs_in_sees_the_main_screen_and_the_device_is_named(scene: Scene) -> None:
    model = scene.window()
    await model.start()
    assert await model.entry.login(" ANI ", PASSWORD, remember=False)
    assert (model.screen, model.user, model.entry.user) == (Screen.MAIN, "ani", "ani")
    assert scene.server.called("login") == [("ANI", "browser")]
    assert scene.keeping.texts.get(LOGIN, "") == ""


async def test_a_wrong_password_says_so_at_the_password(scene: Scene) -> None:
    model = scene.window()
    await model.start()
    assert not await model.entry.login("ani", "wrong", remember=False)
    assert model.entry.problem is not None
    assert (model.entry.problem.code, model.entry.problem.about) == ("invalid_credentials", "password")
    assert (model.screen, model.user, model.entry.busy) == (Screen.LOGIN, "", False)
    model.entry.clear()
    assert model.entry.problem is None


@pytest.mark.parametrize(
    ("user", "password", "about"), [("", "x", "user"), ("a b", "x", "user"), ("ani", "", "password")]
)
async def test_what_cannot_be_right_is_asked_of_nobody(
    scene: Scene, user: str, password: str, about: str
) -> None:
    model = scene.window()
    await model.start()
    assert not await model.entry.login(user, password, remember=False)
    assert not await model.entry.register(user, password, password, remember=False)
    assert model.entry.problem is not None
    assert model.entry.problem.about == about
    assert not scene.server.chats


async def test_nothing_typed_has_a_sentence_of_its_own(scene: Scene) -> None:
    model = scene.window()
    assert not await model.entry.login(" ", "", remember=False)
    assert model.entry.problem is not None
    assert model.entry.problem.code == NO_USER


async def test_a_second_click_while_the_first_is_under_way_does_nothing(scene: Scene) -> None:
    model = scene.window()
    await model.start()
    held = scene.server.hold("login")
    first = asyncio.create_task(model.entry.login("ani", PASSWORD, remember=False))
    await until(lambda: model.entry.busy)
    assert not await model.entry.login("ani", PASSWORD, remember=False)
    held.set()
    assert await first
    assert len(scene.server.called("login")) == 1


async def test_who_registers_is_logged_in(scene: Scene) -> None:
    model = scene.window()
    await model.start()
    assert await model.entry.register("eka", "pw", "pw", remember=False)
    assert (model.screen, model.user) == (Screen.MAIN, "eka")


async def test_two_passwords_that_differ_create_nobody(scene: Scene) -> None:
    model = scene.window()
    assert not await model.entry.register("eka", "one", "two", remember=False)
    assert model.entry.problem is not None
    assert (model.entry.problem.code, model.entry.problem.about) == (PASSWORDS_DIFFER, "password")
    assert "eka" not in scene.server.users


async def test_a_name_that_is_taken_is_said_of_the_name_and_a_short_password_of_the_password(
    scene: Scene,
) -> None:
    model = scene.window()
    assert not await model.entry.register("Budi", "pw", "pw", remember=False)
    assert model.entry.problem is not None
    assert model.entry.problem.about == "user"
    scene.server.fail("register", Invalid("A password has at least 8 characters."))
    assert not await model.entry.register("eka", "pw", "pw", remember=False)
    assert model.entry.problem.about == "password"


async def test_who_was_created_without_an_answer_is_let_in_by_their_password(scene: Scene) -> None:
    model = scene.window()
    scene.server.fail("register", Timeout("No answer in time."))
    assert not await model.entry.register("eka", "pw", "pw", remember=False)
    scene.server.add("eka", password="pw")  # it had been done all the same
    assert await model.entry.register("eka", "pw", "pw", remember=False)
    assert model.user == "eka"


async def test_a_session_whose_list_does_not_come_is_ended_again(scene: Scene) -> None:
    model = scene.window()
    scene.server.fail("conversations", Timeout("No answer in time."))
    assert not await model.entry.login("ani", PASSWORD, remember=True)
    assert model.entry.problem is not None
    assert model.entry.problem.code == NO_ANSWER
    assert not scene.server.sessions
    assert (model.user, scene.keeping.texts.get(LOGIN, "")) == ("", "")


async def test_a_pause_after_wrong_passwords_is_told_while_it_lasts(scene: Scene) -> None:
    model = scene.window()
    held = scene.server.hold("login")
    trying = asyncio.create_task(model.entry.login("ani", PASSWORD, remember=False))
    await until(lambda: scene.server.called("login"))
    scene.server.chats[0].pause(RateLimited("Too many wrong passwords.", retry_after=4))
    assert model.entry.problem is not None
    assert model.entry.problem.fields == {"retry_after": 4}
    held.set()
    assert await trying
    assert model.entry.problem is None


async def test_who_gives_up_can_begin_again_at_once(scene: Scene) -> None:
    model = scene.window()
    held = scene.server.hold("login")
    trying = asyncio.create_task(model.entry.login("ani", PASSWORD, remember=False))
    await until(lambda: scene.server.called("login"))
    await model.entry.give_up()
    held.set()
    assert not await trying
    assert (model.entry.problem, model.entry.busy) == (None, False)
    assert await model.entry.login("ani", PASSWORD, remember=False)


# --- going on where one was -------------------------------------------------------------------------


async def remembered(scene: Scene) -> None:
    model = scene.window()
    await model.start()
    assert await model.entry.login("ani", PASSWORD, remember=True)
    await model.close()


async def test_who_stays_logged_in_goes_on_without_a_password(scene: Scene) -> None:
    await remembered(scene)
    assert len(scene.server.sessions) == 1
    model = scene.window()
    await model.start()
    assert (model.screen, model.user, model.entry.remembered) == (Screen.MAIN, "ani", True)
    assert len(scene.server.sessions) == 1


async def test_who_does_not_is_logged_out_when_the_window_closes(scene: Scene) -> None:
    model = await scene.enter("ani")
    await model.close()
    assert not scene.server.sessions


async def test_a_session_that_is_over_is_forgotten_and_one_is_told(scene: Scene) -> None:
    await remembered(scene)
    scene.server.sessions.clear()
    model = scene.window()
    await model.start()
    assert model.screen is Screen.LOGIN
    assert (model.entry.user, scene.keeping.texts[LOGIN]) == ("ani", "")
    assert model.entry.problem is not None
    assert model.entry.problem.code == "logged_out"


async def test_while_the_server_is_away_a_kept_session_is_tried_until_it_is_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "AGAIN", 0.0)
    await remembered(scene)
    scene.server.away = True
    model = scene.window()
    starting = asyncio.create_task(model.start())
    await until(lambda: model.entry.problem)
    assert (model.screen, model.entry.busy) == (Screen.STARTING, True)
    assert scene.keeping.texts[LOGIN]
    scene.server.fail("whoami", Busy("Busy.", retry_after=0))
    scene.server.away = False
    await starting
    assert (model.screen, model.entry.problem) == (Screen.MAIN, None)


async def test_a_server_that_goes_away_between_two_questions_is_tried_again(scene: Scene) -> None:
    await remembered(scene)
    scene.server.fail("conversations", Timeout("No answer in time."))
    model = scene.window()
    await model.start()
    assert (model.screen, model.user) == (Screen.MAIN, "ani")


async def test_who_does_not_want_to_wait_for_it_logs_in_and_the_session_stays_kept(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entry, "AGAIN", 0.0)
    await remembered(scene)
    scene.server.away = True
    model = scene.window()
    starting = asyncio.create_task(model.start())
    await until(lambda: model.entry.problem)
    await model.entry.give_up()
    await starting
    assert model.screen is Screen.LOGIN
    assert scene.keeping.texts[LOGIN]


async def test_a_window_that_is_closed_while_it_starts_leaves_nothing_open(scene: Scene) -> None:
    await remembered(scene)
    scene.server.away = True
    model = scene.window()
    starting = asyncio.create_task(model.start())
    await until(lambda: model.entry.problem)
    await model.close()
    await starting
    assert all(chat.closed for chat in scene.server.chats)
    assert model.screen is Screen.STARTING


async def test_a_fault_of_the_servers_does_not_throw_a_kept_session_away(scene: Scene) -> None:
    await remembered(scene)
    scene.server.fail("whoami", Internal("A fault."))
    model = scene.window()
    await model.start()
    assert model.screen is Screen.LOGIN
    assert scene.keeping.texts[LOGIN]


@pytest.mark.parametrize("text", ["[]", "{", '{"server": 3}', '{"server": "x", "user": "a", "token": "00"}'])
async def test_what_was_kept_and_makes_no_sense_is_as_if_it_were_not(scene: Scene, text: str) -> None:
    scene.keeping.texts[LOGIN] = text
    model = scene.window()
    await model.start()
    assert model.screen is Screen.LOGIN
    assert not scene.server.chats


async def test_a_token_is_shown_to_the_server_that_it_is_from_and_to_no_other(scene: Scene) -> None:
    kept = {"server": KEYED, "user": "ani", "token": "00" * 16}
    scene.keeping.texts[LOGIN] = json.dumps(kept)
    model = scene.window(server=OTHER, fixed=True)
    await model.start()
    assert not scene.server.chats
    moved = scene.window(server=KEYED.replace("7700", "7800"), fixed=True)
    await moved.start()
    assert scene.server.called("whoami") == [()]


async def test_two_windows_of_one_browser_do_not_forget_each_others_session(scene: Scene) -> None:
    await remembered(scene)
    first = scene.window()
    await first.start()
    second = scene.window(Forgetful())
    second.keeping = scene.keeping
    assert await second.entry.login("budi", PASSWORD, remember=True)
    await first.logout()
    assert json.loads(scene.keeping.texts[LOGIN])["user"] == "budi"
    await settle()
    assert second.screen is Screen.MAIN


async def test_a_window_that_was_closed_goes_on_with_no_session(scene: Scene) -> None:
    first = await scene.enter("ani", remember=True)
    await first.close()
    window = scene.window(first.keeping)  # type: ignore[arg-type]
    await window.close()
    await window.start()
    assert (window.user, window.entry.remembered) == ("", False)
    assert all(chat.closed for chat in scene.server.chats)
    assert len(scene.server.sessions) == 1
