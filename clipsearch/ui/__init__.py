"""The window: the only code, beside `app`, that imports PySide6. It asks the library and shows records."""
