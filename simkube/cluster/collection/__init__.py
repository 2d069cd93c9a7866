"""Who clears away: garbage of owners that went, pods that are finished or lost."""
