-- The devices that were told of a loss (rule 18). What is held back is given back to each of them, however often it asks:
-- an answer may be lost on its way.
CREATE TABLE loss_refusals (
    seat_id     TEXT NOT NULL REFERENCES seat_losses ON DELETE CASCADE,
    device_id   TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
    PRIMARY KEY (seat_id, device_id)
) STRICT, WITHOUT ROWID;
INSERT INTO loss_refusals
SELECT seat_losses.seat_id, devices.id FROM seat_losses JOIN devices ON devices.user_id = seat_losses.user_id
WHERE seat_losses.refused = 1;
ALTER TABLE seat_losses DROP COLUMN refused;
