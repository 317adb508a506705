#!lua
-- include: core session answer participant invite approval departed
-- Joins a user with an invite.
-- keys: session events participants credentials users presence approvals order invites answers answers_order
-- args: caller token invite_hash user user_json name role id new_token reuse most tokens_kept most_departed
--   caller, token: credentials the caller shows ('' none); user: text and JSON; name: JSON ('' none); id: of a new participant
--   reuse: strict or lenient; most: participants at most; tokens_kept: of one participant; most_departed: departed ones kept
-- reply: ok, session, participant
-- fails: SESSION_NOT_FOUND, SESSION_INACTIVE, INVALID_INVITE_TOKEN, HOST_IDENTITY_RESERVED, USER_ALREADY_JOINED, SESSION_FULL
load_session()
if not status then return refuse('SESSION_NOT_FOUND') end
repeated()
if status ~= 'active' then return refuse('SESSION_INACTIVE', status) end
local v = call('HMGET', session, 'inviteHash', 'hostUserId', 'joinedAt')
local scoped = v[1] ~= invite_hash and (call('HGET', invites, 'token:' .. invite_hash) or '')
local invite = scoped and call('HGET', invites, scoped)
if scoped and not (invite and is_open(invite)) then return refuse('INVALID_INVITE_TOKEN') end
if user == v[2] then return refuse('HOST_IDENTITY_RESERVED') end
local there = call('HGET', users, user_json)
local record = there and call('HGET', participants, there)

if record then
  -- The host's role can move to another user; an invite must not follow it.
  if role_of(record) == 'host' then return refuse('HOST_IDENTITY_RESERVED') end
  local proven = caller == there and holds(there, token)
  -- Nor may an invite lead to somebody who decides, or one with a role of its own to somebody who has another.
  if scoped or not proven and (reuse == 'strict' or decides(record)) then return refuse('USER_ALREADY_JOINED') end
  if not add_token(there, new_token, proven, tonumber(tokens_kept)) then return refuse('USER_ALREADY_JOINED') end
  answer({'ok', session_json(), participant_json(record, is_online(there))})
end

if call('HLEN', users) >= tonumber(most) then return refuse('SESSION_FULL') end
drop_departed(tonumber(most_departed))
-- Times of joining are all different, so they are the order of joining.
local joined = math.max(NOW, tonumber(v[3]) + 1)
if invite and invite_role(invite) == 'viewer' then role = 'viewer' end
record = new_participant(id, role, rfc3339(joined), name, user_json)
call('HSET', participants, id, record)
call('HSET', credentials, id, new_token)
call('HSET', users, user_json, id)
if invite then
  call('HSET', invites, scoped, (string.gsub(invite, '"uses":%d+', '"uses":' .. invite_uses(invite) + 1, 1)))
end
emit('participant_joined', id, '{"participant":' .. participant_json(record, false) .. '}')
save()
call('HSET', session, 'joinedAt', joined)
keep(users)
answer({'ok', session_json(), participant_json(record, false)})
