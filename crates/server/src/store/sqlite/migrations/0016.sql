-- A user has so many sums of a day, whichever devices tell them.
CREATE INDEX usage_by_user ON usage (user_id, day);
