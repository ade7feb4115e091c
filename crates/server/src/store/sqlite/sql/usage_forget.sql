-- One day at a time: the time that it takes is the writer's.
DELETE FROM usage WHERE day = (SELECT min(day) FROM usage WHERE day < ?1)
