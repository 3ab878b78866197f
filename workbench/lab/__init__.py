"""The notebook's side: magics, figures, export."""
