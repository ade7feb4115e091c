SELECT organisations.name, holds.since, holds.lost, holds.active
FROM holds JOIN organisations ON organisations.id = holds.organisation_id
ORDER BY holds.since
