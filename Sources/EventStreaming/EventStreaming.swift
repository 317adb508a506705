/// EventStreaming
