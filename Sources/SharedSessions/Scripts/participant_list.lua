#!lua flags=no-writes
-- include: core session participant caller reader list
-- Participants in join order, departed ones included.
-- keys: session participants credentials presence
-- args: most
-- reply: ok, participants, 'true' when some were left out
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE
enter_reader()
local people, all_people = participant_list(tonumber(most))
return {'ok', people, tostring(not all_people)}
