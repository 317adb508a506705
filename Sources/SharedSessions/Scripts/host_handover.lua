#!lua
-- include: core session answer participant caller trust approval pending dispatch vote
-- The host hands the role to another participant and becomes a collaborator, in one step: there is always exactly one.
-- keys: session events participants credentials presence approvals order queue deadlines answers answers_order
-- args: id dispatch_seed
-- reply: ok, session, participant, host session id, prompts that have enough votes now
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED, PARTICIPANT_NOT_FOUND, INVALID_FIELD for the host
--   itself, FIRST_TOKEN_REQUIRED
enter_host()
load_other_rules()
local record, refusal = find_present(id)
if refusal then return refusal end
if role_of(record) == 'host' then return refuse('INVALID_FIELD', 'is_host') end
if not trust_first_token(id) then return refuse('FIRST_TOKEN_REQUIRED') end
caller_record, record = with_role(caller_record, 'collaborator'), with_decides(with_role(record, 'host'), false)
call('HSET', participants, caller, caller_record, id, record)
call('HSET', session, 'hostUserId', cjson.decode('[' .. user_of(record) .. ']')[1], 'hostParticipantId', id)
find_needed()
approvals_needed = needed
write_session()
emit('participant_updated', caller, '{"participant":' .. caller_json() .. '}')
emit('participant_updated', id, '{"participant":' .. participant_json(record, is_online(id)) .. '}')
emit('session_updated', '-', '{"session":' .. session_json() .. '}')
local approved = count_again(id)
save()
answer({'ok', session_json(), participant_json(record, is_online(id)), host_session_id, dec(approved)})
