# For the `test` scripts of folders whose tests run on Node.

# Installs what package-lock.json pins, unless that is there already.
install_packages() {
  if ! cmp --silent package-lock.json node_modules/.installed-lock.json; then
    npm ci --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.installed-lock.json
  fi
}

# Runs test files; the last lines are `# pass N` and `# fail N`, whatever else the runner sums up.
run_tests() {
  local report status=0
  report="$(mktemp)"
  # Its own count is left out: it would be taken for a second suite's.
  node --test --test-concurrency=2 --test-reporter=tap "$@" | tee "$report" |
    grep -vE '^# (pass|fail) ' || status=$?
  local passed failed
  passed="$(sed -n 's/^# pass //p' "$report" | tail -n 1)"
  failed="$(sed -n 's/^# \(fail\|cancelled\) //p' "$report" | awk '{ n += $1 } END { print n + 0 }')"
  rm -f "$report"
  printf '# pass %s\n# fail %s\n' "${passed:-0}" "${failed:-1}"
  [ "$status" -eq 0 ] && [ "$failed" = 0 ] && [ "${passed:-0}" -gt 0 ]
}
