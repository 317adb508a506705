-- Attachments: the bytes of images, sounds and files of prompts, beside the approvals: `ID:content:N` is the N-th block's, a
-- line with what belongs to it and then the bytes. The session's field `attached` names what has any, oldest first, as
-- `approval:bytes:blocks`; their bytes are bounded, and those of prompts that are over go first.

-- Prompts of a session whose attachments are kept.
local MOST_ATTACHED = 1000

-- Drops the bytes that belong to one entry.
local function drop_attachments(id, blocks)
  for block in string.gmatch(blocks, '%d+') do call('HDEL', approvals, id .. ':content:' .. block) end
end

-- The entries that stay once `size` more bytes have room; nil when they have none.
-- args: most_attachment_bytes
local function room_for_attachments(size)
  local entries, bytes = {}, size
  for id, length, blocks in string.gmatch(call('HGET', session, 'attached') or '', '(%S+):(%d+):(%S+)') do
    entries[#entries + 1] = {id = id, bytes = tonumber(length), blocks = blocks}
    bytes = bytes + length
  end
  local kept, count = {}, #entries
  for _, entry in ipairs(entries) do
    local stays = bytes <= most_attachment_bytes + 0 and count < MOST_ATTACHED
    if not stays then
      local a = load_approval(entry.id)
      stays = a and (a.status == 'pending' or a.dispatch and (a.dispatch.state == 'queued' or a.dispatch.state == 'started'))
    end
    if stays then
      kept[#kept + 1] = entry.id .. ':' .. dec(entry.bytes) .. ':' .. entry.blocks
    else
      drop_attachments(entry.id, entry.blocks)
      bytes, count = bytes - entry.bytes, count - 1
    end
  end
  if bytes > most_attachment_bytes + 0 or count >= MOST_ATTACHED then return nil, kept end
  return kept
end
