UPDATE service SET minimum_agent = ?1
