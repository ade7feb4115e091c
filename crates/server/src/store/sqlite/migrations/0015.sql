-- The products that a device was told its user has lost, until it is given a lease again (rule 18). They outlive the loss: a list that
-- is whole for an hour brings nobody back who is asleep meanwhile.
CREATE TABLE device_losses (
    device_id   TEXT NOT NULL REFERENCES devices ON DELETE CASCADE,
    product     TEXT NOT NULL,
    PRIMARY KEY (device_id, product)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO device_losses
SELECT loss_refusals.device_id, seat_losses.product FROM loss_refusals JOIN seat_losses USING (seat_id);
DROP TABLE loss_refusals;
