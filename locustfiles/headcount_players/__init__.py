"""Players of the game, as the scenarios beside this folder send them."""
