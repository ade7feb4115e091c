SELECT organisations.id, organisations.name, holds.since
FROM holds JOIN organisations ON organisations.id = holds.organisation_id
ORDER BY holds.since
