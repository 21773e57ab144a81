from client.gui.program import run

run()
