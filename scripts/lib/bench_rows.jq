# Google Benchmark's results -> rows {name, time, limit, failed}, in nanoseconds; the limit is null where there is none.
# X/limit is the limit of X; or a label on X names another row as its limit.

def nanoseconds: .real_time * {ns: 1, us: 1e3, ms: 1e6, s: 1e9}[.time_unit];
def is_limit: test("/limit\\b");
def without_limit: sub("/limit\\b"; "");

def rows:
  [.benchmarks[] | .name = (.run_name | sub("/(real|process|manual)_time"; ""))]
  | (map(select(.error_occurred)) | unique_by(.name)) as $errors
  | map(select(.aggregate_name == "median")) | sort_by(.family_index, .per_family_instance_index)
  | (map({(.name): nanoseconds}) | add // {}) as $times
  | (map(select(.name | is_limit) | {(.name | without_limit): nanoseconds}) | add // {}) as $limits
  | (.[]
    | select(.name | is_limit | not)
    | {name, time: $times[.name], limit: (if .label then $times[.label] else $limits[.name] end), failed: false}),
    ($errors[] | {name, time: null, limit: null, failed: true});
