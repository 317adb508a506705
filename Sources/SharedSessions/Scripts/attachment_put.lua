#!lua
-- include: core session answer participant caller role_matrix approval attachment
-- Keeps the bytes of a prompt's attachments; the prompt itself follows at once. What no prompt follows for goes like those of
-- a prompt that is over.
-- keys: session participants credentials approvals answers
-- args: id unsupported blocks files...
--   id: the approval there will be; unsupported: a kind of block that the agent does not take ('' none)
--   blocks: their numbers, joined by dots; files: what is kept of each
-- reply: ok
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, PROMPT_NOT_ALLOWED, CONTENT_NOT_SUPPORTED with the kind,
--   APPROVAL_LIMIT
enter()
find_prompt_right()
if not right then return refuse('PROMPT_NOT_ALLOWED') end
if unsupported ~= '' then return refuse('CONTENT_NOT_SUPPORTED', unsupported) end
local size = 0
for _, file in ipairs(files) do size = size + #file end
local kept, rest = room_for_attachments(size)
if not kept then
  call('HSET', session, 'attached', table.concat(rest, ' '))
  return refuse('APPROVAL_LIMIT', 'attachments')
end
local number = 0
for block in string.gmatch(blocks, '%d+') do
  number = number + 1
  call('HSET', approvals, id .. ':content:' .. block, files[number])
end
kept[#kept + 1] = id .. ':' .. dec(size) .. ':' .. blocks
call('HSET', session, 'attached', table.concat(kept, ' '))
keep(approvals)
return {'ok'}
