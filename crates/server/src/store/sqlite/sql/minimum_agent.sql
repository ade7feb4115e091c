SELECT minimum_agent FROM service
