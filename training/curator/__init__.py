"""Makes a data set in the manner of WIT: queries, pairs that match them, at most so many a query, without doubles."""
