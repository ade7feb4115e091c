-- A loss is looked for in each check of a user whose organisation has a hold, and at each seat that is assigned.
CREATE INDEX seat_losses_by_user ON seat_losses (user_id);
