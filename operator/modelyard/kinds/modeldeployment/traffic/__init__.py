"""How requests reach the versions: Services, Gateway API routes and their weights."""
