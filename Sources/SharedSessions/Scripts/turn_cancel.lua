#!lua
-- include: core session answer participant caller approval pending
-- The session's part of stopping a turn: what the agent asked in it is withdrawn, and it can ask no more.
-- keys: session events participants credentials approvals order deadlines answers answers_order
-- args: id dispatch_id asked
--   id: the prompt that runs ('' none); dispatch_id: of its turn ('' none); asked: 'true' when a turn was asked to stop
-- reply: ok, asked, then the ids of the requests that were withdrawn
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, HOST_REQUIRED
enter_host()
local a, withdrawn = load_approval(id), {}
local d = a and a.dispatch
if d and d.id == dispatch_id and (d.state == 'queued' or d.state == 'started') and not note(a, 'cancelled') then
  add_note(a, 'cancelled', dec(NOW))
  save_approval(a)
  withdrawn = withdraw_requests(dispatch_id, 'turn_cancelled')
  save()
end
answer({'ok', asked, unpack(withdrawn)})
