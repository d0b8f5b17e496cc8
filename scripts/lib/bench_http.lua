-- For wrk: asks for the paths in the file that PATHS names, at random; prints requests a second and the 99th percentile in
-- microseconds on the last line. Any answer but 200 ends the run.
local paths = {}
for path in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = path end

function init() math.randomseed(1) end

function request() return wrk.format("GET", paths[math.random(#paths)]) end

function done(summary, latency)
  local errors = summary.errors
  if errors.status + errors.connect + errors.read + errors.write + errors.timeout > 0 then
    io.stderr:write("some requests were not answered with 200\n")
    os.exit(1)
  end
  io.write(string.format("%.0f\t%.0f\n", summary.requests / (summary.duration / 1e6), latency:percentile(99)))
end
