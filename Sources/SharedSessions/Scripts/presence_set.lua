#!lua
-- include: core session participant
-- durability: local
-- How many streams of a participant a node holds now; '' when they are gone from it. The event is published, not kept.
-- keys: session participants presence
-- args: id node streams
-- reply: ok, 'true' when this changed whether the participant is online
-- fails: SESSION_NOT_FOUND, PARTICIPANT_NOT_FOUND
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
local record = call('HGET', participants, id)
if not record then return refuse('PARTICIPANT_NOT_FOUND') end
local before, nodes = call('HGET', presence, id), {}
for other, count in string.gmatch(before or '', '(%S+)=(%d+)') do
  if other ~= node then nodes[#nodes + 1] = other .. '=' .. count end
end
if streams ~= '' then nodes[#nodes + 1] = node .. '=' .. streams end
if #nodes > 0 then call('HSET', presence, id, table.concat(nodes, ' ')) else call('HDEL', presence, id) end
keep(presence)
local online = #nodes > 0
if online == (before ~= false) or status ~= 'active' or has_left(record) then return {'ok', 'false'} end
local kind = online and 'participant_online' or 'participant_offline'
call('SPUBLISH', session .. ':live', NOW .. ' ' .. kind .. ' ' .. id .. '\n{"participantId":"' .. id .. '"}')
return {'ok', 'true'}
