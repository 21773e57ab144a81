"""Small programs that use ``client.Chat``; tests run them."""
