# Google Benchmark's results -> rows of name, time, limit and ratio, separated by tabs.
# X/limit is the limit of X; or a label on X names another row as its limit.

def nanoseconds: .real_time * {ns: 1, us: 1e3, ms: 1e6, s: 1e9}[.time_unit];
def readable:
  if . == null then "-"
  elif . < 1e3 then "\(. * 10 | round / 10) ns"
  elif . < 1e6 then "\(. / 1e2 | round / 10) us"
  elif . < 1e9 then "\(. / 1e5 | round / 10) ms"
  else "\(. / 1e8 | round / 10) s" end;
def is_limit: test("/limit\\b");
def without_limit: sub("/limit\\b"; "");

[.benchmarks[] | .name = (.run_name | sub("/(real|process|manual)_time"; ""))]
| (map(select(.error_occurred)) | unique_by(.name)) as $errors
| map(select(.aggregate_name == "median")) | sort_by(.family_index, .per_family_instance_index)
| (map({(.name): nanoseconds}) | add // {}) as $times
| (map(select(.name | is_limit) | {(.name | without_limit): nanoseconds}) | add // {}) as $limits
| (.[]
  | select(.name | is_limit | not)
  | $times[.name] as $time
  | (if .label then $times[.label] else $limits[.name] end) as $limit
  | [.name, ($time | readable), ($limit | readable), (if $limit then "\($time / $limit * 100 | round / 100)" else "-" end)]),
  ($errors[] | [.name, "failed", "-", "-"])
| @tsv
