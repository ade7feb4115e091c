-- Overlaps are forgotten by when they began.
CREATE INDEX overlaps_by_beginning ON overlaps (began_at);
