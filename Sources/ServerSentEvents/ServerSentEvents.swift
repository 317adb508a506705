/// ServerSentEvents
