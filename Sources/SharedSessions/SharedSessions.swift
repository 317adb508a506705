/// SharedSessions
