"""Who is acted on: each world supplies view, act and now to the one driver of plans."""
