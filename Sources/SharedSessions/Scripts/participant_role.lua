#!lua
-- include: core session answer participant caller trust approval pending dispatch vote
-- The host changes what a participant may do; the host's own role is handed over elsewhere.
-- keys: session events participants credentials presence approvals order queue deadlines answers answers_order
-- args: id role may dispatch_seed
--   role: collaborator or viewer ('' unchanged); may: 'true' or 'false', whether they may decide on approvals ('' unchanged)
-- reply: ok, participant, host session id, prompts that have enough votes now
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, PARTICIPANT_NOT_FOUND, INVALID_FIELD for the host or
--   a viewer who should decide, FIRST_TOKEN_REQUIRED
enter_host()
local record, refusal = find_present(id)
if refusal then return refusal end
if role_of(record) == 'host' then return refuse('INVALID_FIELD', 'role_of_host') end
local to = role ~= '' and role or role_of(record)
if to == 'viewer' and may == 'true' then return refuse('INVALID_FIELD', 'viewer_decides') end
local may_now = to ~= 'viewer' and (may ~= '' and may == 'true' or may == '' and decides(record))
if may_now and not decides(record) and not trust_first_token(id) then return refuse('FIRST_TOKEN_REQUIRED') end
local approved = 0
local changed = with_decides(with_role(record, to), may_now)
if changed ~= record then
  call('HSET', participants, id, changed)
  emit('participant_updated', id, '{"participant":' .. participant_json(changed, is_online(id)) .. '}')
  find_needed()
  approved = count_again(caller)
  save()
end
answer({'ok', participant_json(changed, is_online(id)), host_session_id, dec(approved)})
