"""抽签: seats of popular offerings drawn by lot, recomputable by anyone. Its rules stand; nothing calls them yet."""
