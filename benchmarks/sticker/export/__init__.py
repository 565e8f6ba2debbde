"""A sticker as sheets of paper at true size, with a placement sheet and a manifest."""
