"""What a study looks like: views, tables, figures. Needs no notebook."""
