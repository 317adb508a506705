/// AgentBridge
