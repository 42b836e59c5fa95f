"""The tables of the catalog, a module for each group of them."""
