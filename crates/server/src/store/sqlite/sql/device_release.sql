-- Who gave it up first, and when. That a device has given itself up is no more than a reset: the word of its user or of an administrator
-- takes the place of that.
UPDATE devices SET released_at = ?2, released_by = ?3
WHERE id = ?1 AND (released_by IS NULL OR (released_by = 'device' AND ?3 <> 'device'))
