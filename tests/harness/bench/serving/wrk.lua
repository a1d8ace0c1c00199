-- Sends the requests in the files named by the arguments, in turn; ends with one line of JSON. Latencies in microseconds.
local requests, turn = {}, 0

function init(arguments)
  for _, path in ipairs(arguments) do
    local file = assert(io.open(path, "rb"))
    requests[#requests + 1] = file:read("*a")
    file:close()
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency, _)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"answered":%d,"microseconds":%d,"failed":%d,"p50":%d,"p95":%d,"p99":%d,"max":%d}\n',
    summary.requests - errors.status, summary.duration, failed,
    latency:percentile(50), latency:percentile(95), latency:percentile(99), latency.max))
end
