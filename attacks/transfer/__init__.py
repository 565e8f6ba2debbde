"""Transfer attacks: crafted on surrogate models, evaluated on the model under test."""
