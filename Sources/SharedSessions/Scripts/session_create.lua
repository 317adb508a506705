#!lua
-- include: core session answer participant
-- Creates a session with its host participant.
-- keys: session events participants credentials users answers answers_order
-- args: id workspace new_host_session host_user new_mode asked longest retention invite_hash caller token name user_json
--   new_timeout new_view layout
--   asked: ms it shall live ('' not said); longest, retention: ms; invite_hash: digest of the invite
--   caller, token: the host's participant id and digest of the token; host_user as text and user_json, name as JSON ('' none)
--   new_timeout: seconds an approval may stay pending ('' no limit); new_view: all or reduced
-- reply: ok, session, participant, endsAt ms, purgeAt ms
-- fails: IDEMPOTENCY_KEY_REUSED; INTERNAL_ERROR when the id exists
load_session()
if status then
  repeated()
  return refuse('INTERNAL_ERROR')
end
status, mode, closed, viewer_updates, host_session_id = 'active', new_mode, '-', new_view, new_host_session
approval_timeout = new_timeout ~= '' and new_timeout or '-'
local time = call('TIME')
NOW = time[1] * 1000 + math.floor(time[2] / 1000)
ends = NOW + tonumber(asked ~= '' and asked or longest)
purge = ends + tonumber(retention)
last_ms, seq, event_bytes, message_count, message_bytes, approval_bytes, approval_count = NOW, 0, 0, 0, 0, 0, 0
change_rules()
call('HSET', session, 'id', id, 'layout', layout, 'workspaceId', workspace, 'hostUserId', host_user, 'inviteHash', invite_hash,
  'createdAt', NOW, 'expiresAt', asked ~= '' and ends or '', 'hostParticipantId', caller, 'joinedAt', NOW)
write_session()
local host = new_participant(caller, 'host', now(), name, user_json)
call('HSET', participants, caller, host)
call('HSET', credentials, caller, token)
call('HSET', users, user_json, caller)
emit('shared_session_created', '-', '{"session":' .. session_json() .. '}')
emit('participant_joined', caller, '{"participant":' .. participant_json(host, false) .. '}')
save()
for _, key in ipairs({session, events, participants, credentials, users}) do
  keep(key)
end
answer({'ok', session_json(), participant_json(host, false), dec(ends), dec(purge)})
