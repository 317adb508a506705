#!lua
-- include: core session answer participant
-- Creates a session with its host participant.
-- keys: session events participants credentials users answers answers_order
-- args: id workspace host_session_id host_user mode asked longest retention invite_hash caller token name user_json
--   approval_timeout viewer_updates layout
--   asked: ms it shall live ('' not said); longest, retention: ms; invite_hash: digest of the invite
--   caller, token: the host's participant id and digest of the token; host_user as text and user_json, name as JSON ('' none)
--   approval_timeout: seconds an approval may stay pending ('' no limit); viewer_updates: all or reduced
-- reply: ok, session, participant, endsAt ms, purgeAt ms
-- fails: IDEMPOTENCY_KEY_REUSED; INTERNAL_ERROR when the id exists
if load_session() then return repeated() or refuse('INTERNAL_ERROR') end
local ends = dec(NOW + tonumber(asked ~= '' and asked or longest))
S = {id = id, status = 'active', ends = tonumber(ends), purge = dec(tonumber(ends) + tonumber(retention)), seq = 0,
  bytes = 0}
call('HSET', session, 'id', id, 'layout', layout, 'workspaceId', workspace, 'hostSessionId', host_session_id,
  'hostUserId', host_user, 'mode', mode, 'status', 'active', 'inviteHash', invite_hash, 'createdAt', dec(NOW),
  'expiresAt', asked ~= '' and ends or '', 'endsAt', ends, 'purgeAt', S.purge, 'hostParticipantId', caller,
  'approvalTimeout', approval_timeout, 'viewerUpdates', viewer_updates, 'messages', '0', 'messageBytes', '0',
  'approvalNumber', '0', 'approvalBytes', '0', 'joinedAt', dec(NOW))
write_session()
local host = new_participant(caller, 'host', now(), name, user_json)
call('HSET', participants, caller, host)
call('HSET', credentials, caller, token)
call('HSET', users, user_json, caller)
emit('shared_session_created', '-', '{"session":' .. session_json() .. '}')
emit('participant_joined', caller, '{"participant":' .. participant_json(host, false) .. '}')
save()
for _, key in ipairs({session, events, participants, credentials, users}) do keep(key) end
return answer(session_json(), participant_json(host, false), ends, S.purge)
