"""Makes the models that clipsearch uses; the program itself never imports this package."""
