/// AgentClientProtocol
