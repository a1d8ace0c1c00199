"""A search by many trials: who proposes them, who tries them, and what is kept of them."""
