#!lua
-- include: core clock host place answer
-- Keeps where a request of this host session belongs, so that its bridge can ask for it by its id alone; and the answer to it, since
-- a session remembers only its own.
-- keys: host sessions agent_state places places_order answers answers_order
-- args: id session_id reply host_lifetime
-- reply: ok
-- fails: HOST_SESSION_NOT_FOUND
H = fields_of(host)
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
keep_place(id, session_id)
keep_answer(host, dec(NOW + tonumber(host_lifetime)), {'ok', reply})
keep_host()
return {'ok'}
