INSERT INTO devices (id, user_id, jkt, name, system, agent, created_at, last_seen, issuer, push_seen)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, (SELECT coalesce(max(id), 0) FROM pushes))
ON CONFLICT (user_id, jkt) DO UPDATE SET
    name = excluded.name, system = excluded.system, agent = excluded.agent,
    last_seen = excluded.last_seen, issuer = excluded.issuer, push_seen = excluded.push_seen
