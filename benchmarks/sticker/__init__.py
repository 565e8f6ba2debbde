"""The sticker workflow: optimise, export to paper, plan the shots, score the photographs."""
