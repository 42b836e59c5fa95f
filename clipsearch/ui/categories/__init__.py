"""The user's categories in the window: listing, showing, inventing, teaching and changing them."""
