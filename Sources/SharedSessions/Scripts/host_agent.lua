#!lua flags=no-writes
-- include: core
-- What is kept of a host session's agent for sessions to come.
-- keys: agent_state
-- args:
-- reply: ok, then field and value of each part
-- fails: never
return {'ok', unpack(call('HGETALL', agent_state))}
