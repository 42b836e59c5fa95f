"""What a user can do with a library of photos: thin functions, free of Qt, for the window and the command line."""
