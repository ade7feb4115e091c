INSERT INTO holds (organisation_id, since, lost, active) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (organisation_id) DO UPDATE SET lost = max(lost, excluded.lost), active = excluded.active
