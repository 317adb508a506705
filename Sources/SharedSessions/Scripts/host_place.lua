#!lua
-- include: core host place
-- Keeps where a request of this host session belongs, so that its bridge can ask for it by its id alone.
-- keys: host sessions places places_order answers answers_order
-- args: id session_id host_lifetime
-- reply: ok
-- fails: HOST_SESSION_NOT_FOUND
H = fields_of(host)
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
keep_place(id, session_id)
keep_host()
return {'ok'}
