#!lua flags=allow-oom
-- include: core clock host
-- Frees the running slot of a dispatch that is over, and wakes the attachment: there is or may be work.
-- keys: host
-- args: dispatch_id fence
--   dispatch_id: '' only wakes; fence: only while this attachment is the newest ('' whichever is)
-- reply: ok
-- fails: HOST_SESSION_NOT_FOUND
H = fields_of(host)
if not H then return refuse('HOST_SESSION_NOT_FOUND') end
if dispatch_id ~= '' and H.runningDispatch == dispatch_id and (fence == '' or fence == H.fence) then
  call('HDEL', host, 'runningSession', 'runningApproval', 'runningDispatch', 'cancelling')
end
-- Counted, so that an attachment that missed the signal sees it when it renews its lease.
call('HSET', host, 'wakes', dec(tonumber(H.wakes or '0') + 1))
signal('wake')
return {'ok'}
