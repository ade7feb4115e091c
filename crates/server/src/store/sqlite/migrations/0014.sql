-- What a hold keeps back grows with each further loss: how many it concerns is counted when somebody asks.
ALTER TABLE holds DROP COLUMN lost;
ALTER TABLE holds DROP COLUMN active;
