"""What people and programs read: tables, stories, plots, JSON."""
