#!lua
-- include: core session
-- A new session takes up what is kept of its host session's agent; what it has heard since then stays.
-- keys: session
-- args: parts...
--   parts: field and value of each
-- reply: ok
-- fails: SESSION_NOT_FOUND
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
for i = 1, #parts, 2 do
  call('HSETNX', session, parts[i], parts[i + 1])
end
return {'ok'}
