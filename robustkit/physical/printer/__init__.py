"""What a printer makes of colours: palettes, non-printability, a differentiable model of printing and its chart, parametrisations."""
