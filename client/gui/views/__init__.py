"""What is drawn, with Flet.

Belongs here: pieces of the window, each in a file of its own: it reads the model, draws that, calls actions
of the model. No state of its own but what only the screen knows: where it is scrolled to, what is open.
"""

from __future__ import annotations
