-- Readers: `how` is 'participant', 'trusted' for the holder of an API key, or 'anybody' for a reader without credentials where
-- access is open. Wrong credentials are refused always.

-- block: enter_reader
-- Session, activity and, for a participant, the caller.
-- args: how
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
if status ~= 'active' then return refuse('SESSION_INACTIVE', status) end
if how == 'participant' then
  authenticate()
end
