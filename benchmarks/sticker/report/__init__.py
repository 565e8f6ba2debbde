"""The report of a sticker's run: one page that needs no network."""
