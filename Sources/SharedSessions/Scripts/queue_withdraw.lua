#!lua flags=allow-oom
-- include: core session answer participant caller approval dispatch
-- An approved prompt is taken out of the queue before it has started, by its author or by whoever may decide.
-- keys: session events participants credentials presence approvals order queue deadlines answers answers_order
-- args: id
-- reply: ok, approval, dispatch id, host session id
-- fails: SESSION_NOT_FOUND ... PARTICIPANT_INACTIVE, APPROVAL_NOT_FOUND, AUTHOR_REQUIRED, DISPATCH_CONFLICT
enter()
local a = load_approval(id)
if not a then return refuse('APPROVAL_NOT_FOUND') end
if a.author ~= caller and not may_decide() then return refuse('AUTHOR_REQUIRED') end
if not a.dispatch or a.dispatch.state ~= 'queued' then return refuse('DISPATCH_CONFLICT', 'queue') end
dequeue(id)
-- A bridge that was handed it already is told by the answer to its report that it must not run it.
a.status, a.dispatch.state, a.dispatch.more = 'withdrawn', 'failed', a.dispatch.more .. ',"endedAt":' .. now()
a.more = a.more .. ',"errorMessage":"withdrawn from the queue by ' .. string.sub(name_of(caller_record), 2)
add_note(a, 'by', 'service')
finish_approval(a)
emit_saved('prompt_withdrawn', caller, caller_json(), '')
save()
answer({'ok', saved, a.dispatch.id, host_session_id})
