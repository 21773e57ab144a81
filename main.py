"""``flet run main.py`` opens the window."""

from client.gui.program import run

run()
