"""What is learned from pairs: each objective says what it needs of a pair, and what is lost over all of them."""
