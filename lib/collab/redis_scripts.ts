/**
 * The operations on a room as Lua scripts, each atomic in Redis. Keys: the room (hash: `lock` as
 * JSON, `counter`, `revision`), its members (hash: connection to `process TAB user TAB JSON`), its
 * queue (list of connections), the processes (sorted set by the time they count as crashed). The
 * first four arguments are lease, grace, pending and process timeout in milliseconds. Times are those
 * of Redis.
 */
const prelude = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local room, members, queue, processes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local lease, grace, pending = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local day = 86400000

local function expiry(process)
  return tonumber(redis.call('ZSCORE', processes, process) or '0')
end
local function parse(entry)
  local process, user, json = string.match(entry, '^([^\\t]*)\\t([^\\t]*)\\t(.*)$')
  return {process = process, userId = tonumber(user), json = json}
end
local function find(connection)
  local entry = redis.call('HGET', members, connection)
  if not entry then return nil end
  local member = parse(entry)
  if expiry(member.process) <= now then return nil end
  member.connection = connection
  return member
end
local function present()
  local entries, lives, list = redis.call('HGETALL', members), {}, {}
  for i = 1, #entries, 2 do
    local member = parse(entries[i + 1])
    if lives[member.process] == nil then lives[member.process] = expiry(member.process) > now end
    if lives[member.process] then
      member.connection = entries[i]
      list[#list + 1] = member
    end
  end
  return list
end
local function stored()
  local text = redis.call('HGET', room, 'lock')
  return text and cjson.decode(text) or nil
end
local function counter()
  return tonumber(redis.call('HGET', room, 'counter') or '0')
end
local function keep()
  redis.call('PEXPIRE', room, day)
end
local function write(lock)
  if lock then redis.call('HSET', room, 'lock', cjson.encode(lock))
  else redis.call('HDEL', room, 'lock') end
  keep()
end
local function active(lock)
  return lock.mode == 'held' or lock.mode == 'pending'
end
local function holds(lock, connection, token)
  return lock and lock.connection == connection and lock.token == token and active(lock)
end
local function effective(lock)
  if not lock then return nil end
  local ends, away = lock.ends, lock.mode == 'away'
  if active(lock) then
    local died = expiry(lock.process)
    if died <= now then
      away = true
      ends = math.min(ends, math.max(died, lock.since) + grace)
    end
  end
  if ends <= now then return nil end
  return {connection = lock.connection, process = lock.process, userId = lock.userId,
    name = lock.name, token = lock.token, mode = lock.mode, away = away, remaining = ends - now}
end
local function waiting()
  local list = {}
  for _, connection in ipairs(redis.call('LRANGE', queue, 0, -1)) do
    local member = find(connection)
    if member then list[#list + 1] = member end
  end
  return list
end
local function unqueue(connection)
  redis.call('LREM', queue, 0, connection)
end
local function enqueue(connection)
  if not redis.call('LPOS', queue, connection) then redis.call('RPUSH', queue, connection) end
  redis.call('PEXPIRE', queue, day)
end
local function state()
  local ids = {}
  for i, member in ipairs(waiting()) do ids[i] = member.connection end
  return {lock = effective(stored()), queue = ids}
end
local function revise()
  local revision = redis.call('HINCRBY', room, 'revision', 1)
  keep()
  return revision
end
local function grant(member, token)
  if not token then token = redis.call('HINCRBY', room, 'counter', 1) end
  local lock = {connection = member.connection, process = member.process, userId = member.userId,
    name = cjson.decode(member.json).name, token = token, mode = 'pending',
    ends = now + pending, since = now}
  unqueue(member.connection)
  write(lock)
  return lock
end
local function argument(first)
  local member = parse(ARGV[first + 1])
  member.connection = ARGV[first]
  member.entry = ARGV[first + 1]
  return member
end
`;

const bodies = {
  join: `
local me, first = argument(5), true
local others = present()
local list = {}
for _, member in ipairs(others) do
  if member.connection ~= me.connection then
    list[#list + 1] = member.json
    if member.userId == me.userId then first = false end
  end
end
list[#list + 1] = me.json
redis.call('HSET', members, me.connection, me.entry)
redis.call('PEXPIRE', members, day)
return {cjson.encode({first = first, revision = revise()}), list}`,

  update: `
local me = argument(5)
if redis.call('HEXISTS', members, me.connection) == 1 then
  redis.call('HSET', members, me.connection, me.entry)
  redis.call('PEXPIRE', members, day)
end
return 'null'`,

  leave: `
local me, keepLock, last = argument(5), ARGV[7] == '1', true
redis.call('HDEL', members, me.connection)
unqueue(me.connection)
local lock = stored()
local holding = lock and lock.connection == me.connection and active(lock)
if holding and keepLock then
  lock.mode = 'away'
  lock.ends = now + grace
  write(lock)
elseif holding then write(nil) end
for _, member in ipairs(present()) do
  if member.userId == me.userId then last = false end
end
return cjson.encode({last = last, revision = revise(), away = (holding and keepLock) or false,
  state = state()})`,

  members: `
local list = {}
for i, member in ipairs(present()) do list[i] = member.json end
return {'null', list}`,

  claim: `
local me, token = argument(5), tonumber(ARGV[7])
local raw = stored()
local lock = effective(raw)
local function granted(taken, renewed)
  return cjson.encode({granted = true, token = taken, renewed = renewed})
end
if not lock then
  local first = waiting()[1]
  if not first or first.connection == me.connection then return granted(grant(me).token, false) end
elseif lock.connection == me.connection then
  if lock.mode ~= 'held' then
    raw.mode = 'pending'
    write(raw)
  end
  return granted(lock.token, lock.mode == 'held')
elseif lock.userId == me.userId then
  if lock.away then
    local same = nil
    if token == lock.token then same = token end
    return granted(grant(me, same).token, false)
  end
  if token == lock.token then return granted(grant(me).token, false) end
end
enqueue(me.connection)
return cjson.encode({granted = false, state = state()})`,

  renew: `
local me, token = argument(5), tonumber(ARGV[7])
local lock = stored()
local own = holds(lock, me.connection, token)
local forgotten = not lock and counter() <= token
local kept = lock and lock.mode == 'away' and lock.connection == '' and lock.userId == me.userId
  and lock.token == token
if not (own or forgotten or kept) then return 'false' end
redis.call('HSET', room, 'counter', math.max(counter(), token))
write({connection = me.connection, process = me.process, userId = me.userId,
  name = cjson.decode(me.json).name, token = token, mode = 'held', ends = now + lease, since = now})
return 'true'`,

  raise: `
local me, token, least = argument(5), tonumber(ARGV[7]), tonumber(ARGV[8])
local lock = stored()
if not holds(lock, me.connection, token) then return 'null' end
lock.token = math.max(counter(), least) + 1
redis.call('HSET', room, 'counter', lock.token)
write(lock)
return cjson.encode(lock.token)`,

  yieldTo: `
local me, token = argument(5), tonumber(ARGV[7])
if holds(stored(), me.connection, token) then
  local kept = tonumber(ARGV[10])
  redis.call('HSET', room, 'counter', math.max(counter(), kept))
  write({connection = '', process = '', userId = tonumber(ARGV[8]), name = ARGV[9], token = kept,
    mode = 'away', ends = now + grace, since = now})
  unqueue(me.connection)
  redis.call('LPUSH', queue, me.connection)
  redis.call('PEXPIRE', queue, day)
end
return cjson.encode(state())`,

  release: `
local me, token, settle = argument(5), tonumber(ARGV[7]), tonumber(ARGV[8])
local lock = stored()
if not holds(lock, me.connection, token) then return 'false' end
if settle > 0 then
  lock.mode = 'settling'
  lock.ends = now + settle
  write(lock)
else write(nil) end
return 'true'`,

  transfer: `
local me, token, user = argument(5), tonumber(ARGV[7]), tonumber(ARGV[8])
local lock = stored()
if not effective(lock) or not holds(lock, me.connection, token) then return 'null' end
local target = nil
for _, member in ipairs(waiting()) do
  if not target and member.userId == user and member.connection ~= me.connection then
    target = member
  end
end
if not target then
  for _, member in ipairs(present()) do
    if not target and member.userId == user and member.connection ~= me.connection then
      target = member
    end
  end
end
if not target then return 'null' end
return cjson.encode(effective(grant(target)))`,

  force: `
local me = argument(5)
local previous = effective(stored())
return cjson.encode({token = grant(me).token, previous = previous})`,

  advance: `
local lock, list = effective(stored()), waiting()
local chosen = nil
redis.call('DEL', queue)
for _, member in ipairs(list) do
  enqueue(member.connection)
  -- A dropped editor who waits on a new connection is the one the lock is kept for.
  if lock and lock.away and not chosen and member.userId == lock.userId then chosen = member end
end
if not lock then chosen = list[1] end
local promoted = nil
if chosen then promoted = effective(grant(chosen)) end
return cjson.encode({promoted = promoted, state = state()})`,

  inspect: `return cjson.encode(state())`,

  enqueue: `
local me = argument(5)
local lock = stored()
if not (lock and lock.connection == me.connection) then enqueue(me.connection) end
return cjson.encode(state())`,

  dequeue: `
local me = argument(5)
unqueue(me.connection)
return cjson.encode(state())`,

  beat: `
local forgotten = now - day
redis.call('ZADD', processes, now + tonumber(ARGV[4]), ARGV[5])
redis.call('ZREMRANGEBYSCORE', processes, '-inf', forgotten)
return {'null', redis.call('ZRANGEBYSCORE', processes, '(' .. now, '+inf')}`,

  retire: `
redis.call('ZADD', processes, now, ARGV[5])
return 'null'`,
};

export type ScriptName = keyof typeof bodies;

export const redisScripts = Object.fromEntries(
  Object.entries(bodies).map(([name, body]) => [name, prelude + body]),
) as Record<ScriptName, string>;
